"""What every arm of a run shares: the data, the source, the task, the device, and the cache of frozen features."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from headstart.data import Dataset
from headstart.data.clips import ACROSS
from headstart.engine import cached_states, choose_device, evaluator, predict, raw_fetch
from headstart.engine.device import Place, find_place, keep_memory, process_state
from headstart.engine.fetches import view_seed
from headstart.engine.labels import ViewedLabels
from headstart.engine.progress import Progress
from headstart.engine.states import States
from headstart.errors import UserError
from headstart.networks import Network, Source, TablePreprocess
from headstart.networks.clips import READERS, of_clips
from headstart.tasks import TaskLogic, create_task
from headstart.tasks.base import draw
from headstart.workflow.options import FitOptions, one_of
from headstart.workflow.planning.timetable import Timetable


def start_processes(device: str | None) -> Any:
    """Return accelerate's view of the processes: one, or those that ``accelerate launch`` started."""
    state = process_state(None if device is None else choose_device(device))
    if state.device.type == "cpu":
        keep_memory()
    return state


@dataclass
class Workbench:
    """Dataset, source and device of a run; builds networks and fetches states for every arm.

    ``alone`` says that of several processes only the main one is at work, as when a run is concluded; ``notes`` are
    sentences on what was decided before the plan; ``maps`` keeps stages' mean maps by network and row, ``pooled``
    the source's own rows once they were looked for; ``unlabelled`` are samples without labels beside the dataset's,
    ``replayed`` old samples to learn from beside the target's, and
    ``kept`` what was computed once for several arms. ``clock`` gives seconds that rise, ``began`` is its value when the
    run began, and ``timetable`` shares out the budget by it.
    """

    dataset: Dataset
    source: Source
    options: FitOptions
    logic: TaskLogic
    place: Place
    progress: Progress
    processes: Any
    alone: bool = False
    notes: tuple[str, ...] = ()
    maps: dict[str, Any] = field(default_factory=dict, repr=False)
    pooled: tuple[Any, ...] = field(default=(), repr=False)
    replayed: Dataset | None = field(default=None, repr=False)
    kept: dict[str, Any] = field(default_factory=dict, repr=False)
    clock: Callable[[], float] = time.monotonic
    began: float = field(default_factory=time.monotonic)
    timetable: Timetable | None = None
    unlabelled: Dataset | None = None
    _statistics: Any = field(default=None, repr=False)

    @classmethod
    def create(
        cls, dataset: Dataset, source: Source, options: FitOptions, processes: Any, progress: Progress
    ) -> Workbench:
        assert dataset.task is not None
        logic = create_task(dataset.task, dataset.labels(dataset.splits["train"])).configured(
            asked_of_task(dataset, options)
        )
        place = find_place(processes, options.device, options.precision)
        bench = cls(dataset, source, options, logic, place, progress, processes)
        if dataset.columns is not None:
            raws = dataset.raw(dataset.splits["train"])
            bench._statistics = TablePreprocess.fit(raws, dataset.columns)
        return bench

    @property
    def statistics(self) -> TablePreprocess:
        """Means, deviations and categories of the training rows of a table."""
        return self._statistics

    @property
    def device(self) -> torch.device:
        return self.place.device

    @property
    def batch_size(self) -> int:
        """Samples per forward pass: few on a CPU, so that activations stay in its caches."""
        return 16 if self.device.type == "cpu" else 128

    @property
    def is_main(self) -> bool:
        return bool(self.processes.is_main_process)

    def wait(self) -> None:
        """Let every process of a distributed run come to this line."""
        self.processes.wait_for_everyone()

    def network(self, *, pretrained: bool, seed: int) -> Network:
        """Return the source's architecture with a new head: from its weights, or from random ones."""
        network = self.source.build(
            pretrained=pretrained, seed=seed, columns=self.dataset.columns, statistics=self._statistics
        )
        if self.dataset.frames:
            network = of_clips(network, self.dataset.frames, ACROSS, self.options.head or READERS[0])
        network = self.logic.adapt(network)
        with torch.random.fork_rng(devices=[]):
            head = self.logic.head_of(network)
            torch.manual_seed(seed)
            network.head = draw(head)
        if network.answered is not None:
            self.logic.carried(network.head, network.answered)
            network.answered = None
        return network.to(self.device)

    def fetch(
        self, network: Network, rows: np.ndarray, *, cut: int, views: int = 1, dataset: Dataset | None = None
    ) -> Any:
        """Return ``fetch(positions, view)`` of the states at ``cut``, and set the network's entry.

        States after frozen stages come from the cache; where nothing is frozen, or the states would take too much
        room, samples are decoded when asked for, and frozen stages run without a graph.
        """
        states = self._states(network, rows, cut, views, dataset, carry=True) if cut > 0 else None
        network.entry = 0 if states is None else cut
        if states is None:
            return raw_fetch(dataset or self.dataset, rows, network.preprocess, views=views, seed=self.options.seed)
        return states.fetch

    def targets(self, network: Network, rows: np.ndarray, *, views: int = 1, dataset: Dataset | None = None) -> Any:
        """Return the labels of the rows as batches hold them: an array, or such as move with the views of `fetch`."""
        dataset = dataset or self.dataset
        return viewed(self.logic, network, dataset, rows, dataset.labels(rows), views, self.options.seed)

    def _states(
        self,
        network: Network,
        rows: np.ndarray,
        cut: int,
        views: int,
        dataset: Dataset | None = None,
        *,
        carry: bool = False,
    ) -> States | None:
        name = "frozen features" if cut == len(network.stages) else f"frozen states after stage {cut}"
        seen = 0

        def report(done: int, total: int) -> None:
            nonlocal seen
            if done <= seen or not seen:
                self.progress.stage(name, total)
            seen = done
            self.progress.done(done, total)

        return cached_states(
            network,
            cut,
            dataset or self.dataset,
            rows,
            views=views,
            seed=self.options.seed,
            precision=self.options.precision,
            batch_size=self.batch_size,
            on_progress=report,
            alone=self.alone,
            carry=carry,
        )

    def features(
        self, network: Network, rows: np.ndarray, *, views: int = 1, dataset: Dataset | None = None
    ) -> np.ndarray:
        """Return pooled features [views * n, d] of the network's stages, view by view, from the cache."""
        states = self._states(network, rows, len(network.stages), views, dataset)
        if states is None:
            raise UserError("The features take more room than the cache may use; free some disk space.")
        every = np.arange(len(rows))
        return np.concatenate([states.fetch(every, view).float().numpy() for view in range(states.n_views)])

    def evaluator(self, network: Network, rows: np.ndarray, *, cut: int) -> Any:
        """Return ``evaluate(network) -> {"loss", "score"}`` on the rows, from the same cut as the training."""
        fetch, labels = self.fetch(network, rows, cut=cut), self.dataset.labels(rows)
        return evaluator(self.logic, fetch, labels, batch_size=self.batch_size, precision=self.place.precision)

    def predict(self, network: Network, rows: np.ndarray, *, cut: int = 0) -> np.ndarray:
        """Return predictions [n, k] for the rows."""
        fetch = self.fetch(network, rows, cut=cut)
        return predict(
            network, self.logic, fetch, len(rows), batch_size=self.batch_size, precision=self.place.precision
        )


def asked_of_task(dataset: Dataset, options: FitOptions) -> dict[str, Any]:
    """Return what the task is asked for; of clips ``head`` says what reads the frames, and the task has its own."""
    if not dataset.frames:
        return options.of_task
    one_of("--head", options.head, READERS)
    return {**options.of_task, "head": None}


def viewed(
    logic: TaskLogic, network: Network, dataset: Dataset, rows: np.ndarray, labels: Any, views: int, seed: int
) -> Any:
    """Return labels that move with the views of their samples, where the task's do; else the labels."""
    if not len(rows) or logic.target(labels[0], network.preprocess, None) is None:
        return labels
    contents, preprocess = dataset.hashes(rows), network.preprocess

    def make(position: int, view: int) -> Any:
        number = view_seed(seed, contents[position], view) if view and views > 1 else None
        return logic.target(labels[position], preprocess, number)

    return ViewedLabels(len(rows), make, logic.task.label_space.content(labels))
