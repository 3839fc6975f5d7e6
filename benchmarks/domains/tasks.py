"""A pair as a task: which target labels are seen, which rows are scored, and the linear model that everyone uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.domains.pairs import TABLES, Pair
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.joining import join

Array = np.ndarray


class Task(NamedTuple):
    """A pair with some of its target rows labelled: what a contender may see, and what it is scored on.

    known : rows of target_x whose labels are seen. test : rows of test_x that are scored.
    """

    pair: Pair
    known: Array
    test: Array

    @property
    def truth(self) -> Array:
        return self.pair.test_y[self.test]

    @property
    def asked(self) -> Any:
        return self.pair.test_x[self.test]

    def joined(self, *, as_sparse: bool) -> tuple[Any, Array, Array]:
        """Return ``X, y, sample_domain``, the target's labels masked but for the known ones."""
        pair = self.pair
        hidden = -1 if pair.kind == "classification" else np.nan
        labels = np.full(pair.target_x.shape[0], hidden, dtype=pair.source_y.dtype)
        if len(self.known):
            labels[self.known] = pair.test_y[self.known]
        source, target = pair.source_x, pair.target_x
        if not as_sparse and sparse.issparse(source):
            source, target = source.toarray(), target.toarray()
        X, y, domain = join(source, pair.source_y, target, labels)
        if pair.source_domain is not None:
            domain = np.concatenate([pair.source_domain, domain[len(pair.source_y) :]])
        return X, y, domain


def task(pair: Pair, labels: int = 0, seed: int = 0, reserved: int = 100) -> Task:
    """Return the task with ``labels`` target rows labelled, drawn by the seed.

    The rows that are scored are those outside the first ``reserved`` drawn, the same for every number of labels from 1.
    """
    n = pair.test_x.shape[0]
    if labels == 0:
        return Task(pair, np.arange(0), np.arange(n))
    drawn = np.random.default_rng([seed, n]).permutation(n)
    return Task(pair, np.sort(drawn[:labels]), np.sort(drawn[reserved:]))


class Contender(NamedTuple):
    """One row of the tables: ``run(task)`` returns predictions of ``task.asked``."""

    method: str
    head: str
    run: Callable[[Task], Array]


def has_units(pair: Pair) -> bool:
    """Return whether a pair's columns have units of their own; pixels, activations and words share one."""
    return pair.benchmark in (*TABLES, "abalone") or (pair.benchmark == "shifts" and not pair.name.startswith("digits"))


def tuned(pair: Pair) -> Any:
    """Return the linear model that chooses its own strength.

    Features of one unit keep their scale; columns of different units are standardised.
    """
    if pair.kind == "regression":
        return TunedRidge()
    return TunedLogistic(standardise=has_units(pair))


def head(name: str, pair: Pair) -> Any:
    return KNeighborsClassifier(1) if name == "1-NN" else tuned(pair)
