"""Two domains in which a network that learns the source alone errs, and one column that adaptation can go by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headstart.deep.method import Method
from headstart.engine import Compute, Domain, JoinedStream, Optimizer, Selection, Stream, Trained, evaluator, train
from headstart.networks import Network, TablePreprocess, build
from headstart.networks.tabular import tabular_spec
from headstart.problem import Task
from headstart.tasks import Classification

COLUMNS = 6
THREE = Classification(Task("classification", ("a", "b", "c")))


def rows(n: int, seed: int, *, target: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return rows [n, 6] and classes. Columns 0 and 1 tell the class in both domains, 2 and 3 better, in the source."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    turn = 2 * np.pi * y / 3
    x = rng.normal(size=(n, COLUMNS)) * [0.6, 0.6, 0.4, 0.4, 0.5, 0.5]
    x[:, 0] += 2 * np.cos(turn)
    x[:, 1] += 2 * np.sin(turn)
    x[:, 2] += 1.2 if target else 3 * np.cos(turn)
    x[:, 3] += 0.0 if target else 3 * np.sin(turn)
    return x.astype(np.float32), y


def table(x: np.ndarray) -> dict[str, Tensor]:
    none = torch.zeros(len(x), 0, dtype=torch.int64)
    return {"numeric": torch.from_numpy(x), "missing": torch.zeros(x.shape), "categorical": none}


def fetch_of(x: np.ndarray) -> Callable[[np.ndarray, Any], dict[str, Tensor]]:
    return lambda positions, view: table(x[positions])


def network() -> Network:
    names = [f"x{i}" for i in range(COLUMNS)]
    statistics = TablePreprocess(dict.fromkeys(names, 0.0), dict.fromkeys(names, 1.0), {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = build(tabular_spec(statistics, width=16, blocks=2))
    made.head = THREE.head_of(made)
    return made


def adapt(
    method: Method, *, steps: int = 40, rate: float = 1e-2, seed: int = 0, alone: bool = False, **options: Any
) -> Trained:
    """Train on both domains, scored on the target's rows; what the method learns from holds none of their labels.

    ``alone``: the labelled target is what is learned from, without a source.
    """
    source, target = rows(48, 10 + seed, target=False), rows(45, 20 + seed, target=True)
    stream: Stream | JoinedStream = Stream(fetch_of(target[0]), target[1], batch_size=24, seed=seed)
    if not alone:
        hidden = Domain(fetch_of(target[0]), n=45)
        stream = JoinedStream(hidden, Domain(fetch_of(source[0]), source[1]), batch_size=24, seed=seed)
    return train(
        method,
        network(),
        stream,
        task=THREE,
        steps=steps,
        optimizer=Optimizer(rate),
        selection=Selection(evaluator(THREE, fetch_of(target[0]), target[1]), every=max(1, steps // 4)),
        compute=Compute("cpu"),
        **options,
    )


def best(trained: Trained) -> float:
    """Return the best accuracy on the target over the evaluations."""
    return max(record["validation_score"] for record in trained.history)
