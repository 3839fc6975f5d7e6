"""A small problem on which the laws are tried: numbers in a table, a network with dropout, three kinds of task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headstart.data.batches import Batch, Samples
from headstart.deep.method import Method
from headstart.engine import Optimizer, Stream, Trained, train
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
        """Return the first n samples."""
        x = {name: value[:n] for name, value in self.x.items()}
        return Batch(target=Samples(x, torch.as_tensor(self.y[:n])))

    def train(self, method: Method, *, steps: int = 4, batch_size: int = 8, seed: int = 0) -> Trained:
        """Train a fresh network by ``method`` with the one loop."""

        def fetch(rows: np.ndarray, view: object) -> dict[str, Tensor]:
            return {name: value[rows] for name, value in self.x.items()}

        stream = Stream(fetch, self.y, batch_size=batch_size, seed=seed)
        return train(method, self.network(), stream, task=self.logic, steps=steps, optimizer=FAST, seed=seed)


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
    return network
