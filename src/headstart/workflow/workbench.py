"""What every arm of a run shares: the data, the source, the task, the device, and the cache of frozen features."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart.data import Dataset
from headstart.engine import cached_states, evaluator, predict, raw_fetch, state_bytes
from headstart.engine.progress import Progress
from headstart.networks import Network, Source, TablePreprocess
from headstart.tasks import TaskLogic, create_task
from headstart.workflow.options import FitOptions

CACHE_LIMIT = 4 * 2**30


@dataclass
class Workbench:
    """Dataset, source and device of a run; builds networks and fetches states for every arm."""

    dataset: Dataset
    source: Source
    options: FitOptions
    logic: TaskLogic
    device: torch.device
    progress: Progress
    accelerator: Any = None
    folder: Path | None = None
    _statistics: Any = field(default=None, repr=False)

    @classmethod
    def create(
        cls, dataset: Dataset, source: Source, options: FitOptions, accelerator: Any, progress: Progress
    ) -> Workbench:
        assert dataset.task is not None
        logic = create_task(dataset.task, dataset.labels(dataset.splits["train"]))
        bench = cls(dataset, source, options, logic, accelerator.device, progress, accelerator)
        if dataset.columns is not None:
            raws = dataset.raw(dataset.splits["train"])
            bench._statistics = TablePreprocess.fit(raws, dataset.columns)
        return bench

    @property
    def is_main(self) -> bool:
        return bool(self.accelerator.is_main_process)

    def wait(self) -> None:
        """Let every process of a distributed run come to this line."""
        self.accelerator.wait_for_everyone()

    def network(self, *, pretrained: bool, seed: int) -> Network:
        """Return the source's architecture with a new head: from its weights, or from random ones."""
        network = self.source.build(
            pretrained=pretrained, seed=seed, columns=self.dataset.columns, statistics=self._statistics
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network.head = nn.Linear(network.n_features, self.logic.task.n_outputs)
        return network.to(self.device)

    def fetch(self, network: Network, rows: np.ndarray, *, cut: int, views: int = 1) -> Any:
        """Return ``fetch(positions, view)`` of the states at ``cut``, cached where that pays, and set the entry.

        Nothing is cached where nothing is frozen, or where the states would take more than `CACHE_LIMIT` bytes;
        then samples are decoded, and frozen stages run without a graph.
        """
        small = cut > 0 and state_bytes(network, cut, self.dataset) * len(rows) * views <= CACHE_LIMIT
        network.entry = cut if small else 0
        if not small:
            return raw_fetch(self.dataset, rows, network.preprocess, views=views, seed=self.options.seed)
        states = cached_states(network, cut, self.dataset, rows, views=views, seed=self.options.seed)
        return states.fetch

    def features(self, network: Network, rows: np.ndarray, *, views: int = 1) -> np.ndarray:
        """Return pooled features [views * n, d] of the network's stages, view by view, from the cache."""
        states = cached_states(network, len(network.stages), self.dataset, rows, views=views, seed=self.options.seed)
        every = np.arange(len(rows))
        return np.concatenate([np.asarray(states.fetch(every, view), dtype=np.float32) for view in range(views)])

    def evaluator(self, network: Network, rows: np.ndarray, *, cut: int) -> Any:
        """Return ``evaluate(network) -> {"loss", "score"}`` on the rows, from the same cut as the training."""
        return evaluator(self.logic, self.fetch(network, rows, cut=cut), self.dataset.labels(rows))

    def predict(self, network: Network, rows: np.ndarray, *, cut: int = 0) -> np.ndarray:
        """Return predictions [n, k] for the rows."""
        fetch = self.fetch(network, rows, cut=cut)
        return predict(network, self.logic, fetch, len(rows), device=self.device)
