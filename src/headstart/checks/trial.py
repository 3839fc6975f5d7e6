"""A small problem on which the laws are tried: numbers in a table, a network with dropout, three kinds of task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headstart.data.batches import Batch, Samples
from headstart.deep.method import Method
from headstart.engine import (
    Domain,
    EpisodeStream,
    JoinedStream,
    Optimizer,
    Saving,
    Selection,
    Stream,
    Trained,
    train,
)
from headstart.engine.domain import Fetch
from headstart.engine.streams import BatchStream
from headstart.networks import Network, TablePreprocess, build
from headstart.networks.tabular import tabular_spec
from headstart.problem import Task
from headstart.tasks import TaskLogic, create_task

KINDS = ("classification", "multilabel", "regression")
COLUMNS = 5
FAST = Optimizer(learning_rate=1e-2)


@dataclass(frozen=True)
class Trial:
    """A network to start from, a task, and its samples.

    Parameters
    ----------
    network : makes the same network each time, with the task's head.
    logic : the task.
    x : states at the network's entry, tensors [n, ...] by name. y : labels.
    """

    network: Callable[[], Network]
    logic: TaskLogic
    x: dict[str, Tensor]
    y: np.ndarray

    def batch(self, n: int = 8) -> Batch:
        """Return the first n samples, labelled."""
        x = {name: value[:n] for name, value in self.x.items()}
        return Batch(target=Samples(x, torch.as_tensor(self.y[:n])))

    def stream(self, method: Method, *, batch_size: int = 8, seed: int = 0) -> BatchStream:
        """Return a stream that gives what ``method`` needs, and nothing that it does not ask for.

        The source, where one is asked for, is the same samples moved aside; of several, each is moved further.
        """
        shown = method.n_views
        if "episodes" in method.needs:
            whole = Domain(self._fetch(), self.y, views=2 * shown, shown=shown)
            return EpisodeStream(whole, ways=2, shots=1, queries=3, seed=seed)
        labels = self._labels(method)
        if not method.needs & {"source_inputs", "source_labels", "domains"}:
            return Stream(
                self._fetch(), labels, n=len(self.y), batch_size=batch_size, seed=seed, views=2 * shown, shown=shown
            )
        given = self.y if "source_labels" in method.needs else None
        count = 2 if "domains" in method.needs else 1
        sources = [
            Domain(self._fetch(0.5 * (i + 1)), given, n=len(self.y), views=2 * shown, shown=shown) for i in range(count)
        ]
        unseen = not any("target" in need for need in method.needs)
        target = None if unseen else Domain(self._fetch(), labels, n=len(self.y), views=2 * shown, shown=shown)
        return JoinedStream(target, sources, batch_size=batch_size, seed=seed)

    def train(
        self,
        method: Method,
        *,
        steps: int = 4,
        batch_size: int = 8,
        seed: int = 0,
        selection: Selection = Selection(),  # noqa: B008
        checkpoint: Saving | None = None,
        on_step: Callable[[dict[str, Any]], None] | None = None,
    ) -> Trained:
        """Train a fresh network by ``method`` with the one loop."""
        return train(
            method,
            self.network(),
            self.stream(method, batch_size=batch_size, seed=seed),
            task=self.logic,
            steps=steps,
            seed=seed,
            optimizer=FAST,
            selection=selection,
            checkpoint=checkpoint,
            on_step=on_step,
        )

    def _labels(self, method: Method) -> np.ndarray | None:
        if "target_labels" in method.needs:
            return self.y
        if "some_target_labels" not in method.needs:
            return None
        hidden = -1 if self.y.dtype.kind == "i" else np.nan
        return np.where((np.arange(len(self.y)) % 2 == 0).reshape(-1, *[1] * (self.y.ndim - 1)), self.y, hidden)

    def _fetch(self, moved: float = 0.0) -> Fetch:
        def fetch(rows: np.ndarray, view: Any) -> dict[str, Tensor]:
            x = {name: value[rows] for name, value in self.x.items()}
            views = np.broadcast_to(view, np.shape(rows))
            if moved == 0.0 and not views.any():
                return x
            pairs = zip(views, rows, strict=True)
            drawn = [np.random.default_rng([v, r]).normal(size=COLUMNS) * bool(v) for v, r in pairs]
            shift = moved + 0.3 * torch.as_tensor(np.reshape(drawn, (-1, COLUMNS)), dtype=torch.float32)
            return x | {"numeric": x["numeric"] + shift}

        return fetch


def create_trial(kind: str = "classification", *, n: int = 16, absent: bool = False) -> Trial:
    """Return a trial of ``kind``; ``absent`` adds a class that no sample has."""
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((n, COLUMNS)).astype(np.float32)
    names = tuple("abcd" if absent else "abc")
    labels = {
        "classification": np.arange(n) % 3,
        "multilabel": np.concatenate([numbers[:, :3] > 0, np.zeros((n, len(names) - 3))], axis=1).astype(np.float32),
        "regression": numbers[:, :2] * 3 + 1,
    }[kind]
    task = Task("regression", targets=("u", "v")) if kind == "regression" else Task(kind, names)  # type: ignore[arg-type]
    logic = create_task(task, labels)
    x = {
        "numeric": torch.as_tensor(numbers),
        "missing": torch.zeros(n, COLUMNS),
        "categorical": torch.zeros(n, 0, dtype=torch.int64),
    }
    return Trial(lambda: _network(logic), logic, x, labels)


def _network(logic: TaskLogic) -> Network:
    columns = [f"x{i}" for i in range(COLUMNS)]
    statistics = TablePreprocess(dict.fromkeys(columns, 0.0), dict.fromkeys(columns, 1.0), {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build(tabular_spec(statistics, width=8, blocks=3))
        network.head = logic.head_of(network)
        # A head of zeros would hide the body's gradient in the first step.
        torch.nn.init.normal_(network.head.weight, std=0.3)  # type: ignore[arg-type]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network.former = (torch.nn.Linear(network.n_features, 4),)
    network.importance = {name: 0.1 * one.detach().square() + 0.01 for name, one in network.named_parameters()}
    return network
