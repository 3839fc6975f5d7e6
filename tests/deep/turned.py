"""Blobs of three classes on a circle, and the same turned: what source-only training misses and adaptation finds."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headstart.checks.states import weights
from headstart.deep.method import Method
from headstart.deep.unseen.erm import ERM
from headstart.engine import Domain, JoinedStream, Optimizer, Stream, train
from headstart.engine.streams import BatchStream
from headstart.networks import Network, TablePreprocess, build
from headstart.networks.tabular import tabular_spec
from headstart.problem import Task
from headstart.tasks import Classification

COLUMNS, CLASSES = 4, 3
LOGIC = Classification(Task("classification", ("a", "b", "c")))


def blobs(n: int, seed: int, angle: float = 0.0, spread: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Return rows [n, 4], of which two columns tell the class, and classes [n]."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % CLASSES
    turn = 2 * np.pi * y / CLASSES + angle
    x = spread * rng.normal(size=(n, COLUMNS))
    x[:, :2] += 2.5 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return x.astype(np.float32), y


def table(x: np.ndarray) -> dict[str, Tensor]:
    """Return rows as a tabular network's input."""
    none = torch.zeros(len(x), 0, dtype=torch.int64)
    return {"numeric": torch.from_numpy(x), "missing": torch.zeros(len(x), x.shape[1]), "categorical": none}


def domain(x: np.ndarray, y: Any = None, turned: float = 0.0, shown: int = 1) -> Domain:
    """Return rows as a domain; their views above 0 are turned by an angle drawn with the deviation ``turned``."""

    def fetch(rows: np.ndarray, view: Any) -> dict[str, Tensor]:
        views = np.broadcast_to(view, np.shape(rows))
        if not turned or not views.any():
            return table(x[rows])
        pairs = zip(views, rows, strict=True)
        angle = np.array([turned * np.random.default_rng([v, r]).normal() * bool(v) for v, r in pairs])
        z, (first, second) = x[rows].copy(), x[rows, :2].T
        z[:, 0], z[:, 1] = (
            np.cos(angle) * first - np.sin(angle) * second,
            np.sin(angle) * first + np.cos(angle) * second,
        )
        return table(z)

    return Domain(fetch, y, n=len(x), views=4 * shown, shown=shown)


def network() -> Network:
    """Return a small network whose samples stay independent of their batch."""
    names = [f"x{i}" for i in range(COLUMNS)]
    statistics = TablePreprocess(dict.fromkeys(names, 0.0), dict.fromkeys(names, 1.0), {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = build(tabular_spec(statistics, width=16, blocks=1))
    made.head = LOGIC.head_of(made)
    return made


SOURCE, TARGET = blobs(60, 1), blobs(60, 2, angle=0.75)


def joined(shown: int = 1, turned: float = 0.0, known: Any = None) -> JoinedStream:
    """Return the labelled source beside the turned target, of which labels ``known`` are given."""
    return JoinedStream(domain(TARGET[0], known, turned, shown), domain(*SOURCE, 0.0, shown), batch_size=30, seed=0)


def target_alone() -> Stream:
    """Return the turned target without labels and without a source."""
    return Stream(domain(TARGET[0]).fetch, n=len(TARGET[0]), batch_size=30, seed=0)


def trained(
    method: Method, stream: BatchStream, start: Network | None = None, steps: int = 60, rate: float = 5e-3
) -> Network:
    """Return a network trained by ``method``, from ``start`` or from random weights."""
    return train(
        method, start or network(), stream, task=LOGIC, steps=steps, seed=0, optimizer=Optimizer(rate)
    ).network.eval()


def accuracy(net: Network, x: np.ndarray = TARGET[0], y: np.ndarray = TARGET[1]) -> float:
    """Return the share of rows whose class is found."""
    with torch.no_grad():
        return float((net.eval()(table(x)).argmax(dim=1).numpy() == y).mean())


@cache
def source_state() -> dict[str, Tensor]:
    """Return the weights that training on the source alone leaves."""
    return weights(trained(ERM(), joined()))


def source_network() -> Network:
    """Return the network trained on the source alone."""
    net = network()
    net.load_state_dict(source_state())
    return net.eval()
