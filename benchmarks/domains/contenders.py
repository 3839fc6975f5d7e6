"""What is measured on a pair: baselines, every method of the catalogue that applies, and the automatic choice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.domains.pairs import TABLES, Pair
from headstart.catalogue import METHODS
from headstart.catalogue.entry import Entry
from headstart.shallow.adaptation import DomainRegressor
from headstart.shallow.domains import join
from headstart.shallow.shells import Adapted, Reweighted
from headstart.shallow.tuned import TunedLogistic, TunedRidge

Array = np.ndarray
HEADS = ("1-NN", "tuned")


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


def tuned(pair: Pair) -> Any:
    """Return the linear model that chooses its own strength.

    The features of one unit (pixels, activations, words) keep their scale; tables' columns are standardised.
    """
    if pair.kind == "regression":
        return TunedRidge()
    return TunedLogistic(standardise=pair.benchmark in TABLES)


def head(name: str, pair: Pair) -> Any:
    return KNeighborsClassifier(1) if name == "1-NN" else tuned(pair)


def dummy(pair: Pair) -> Any:
    return DummyRegressor() if pair.kind == "regression" else DummyClassifier()


def _plain(model: Any, rows: Any, labels: Array, asked: Any) -> Array:
    """Fit and predict; labels of one class only are that class."""
    if labels.dtype.kind == "i" and len(np.unique(labels)) == 1:
        return np.full(asked.shape[0], labels[0])
    return model.fit(rows, labels).predict(asked)


def _baseline(what: str) -> Callable[[Task], Array]:
    def run(task: Task) -> Array:
        pair, known = task.pair, task.known
        rows, labels = pair.source_x, pair.source_y
        if what == "target_only":
            rows, labels = pair.target_x[known], pair.test_y[known]
        if what == "pooled":
            rows, labels = np.concatenate([rows, pair.target_x[known]]), np.concatenate([labels, pair.test_y[known]])
        if what == "source_only_standardised":
            return _plain(TunedLogistic(), rows, labels, task.asked)
        return _plain(dummy(pair) if what == "majority" else tuned(pair), rows, labels, task.asked)

    return run


def _nearest(task: Task) -> Array:
    return KNeighborsClassifier(1).fit(task.pair.source_x, task.pair.source_y).predict(task.asked)


def _ceiling(task: Task) -> Array:
    """Cross-validate on the target's own labels, 5 folds."""
    splitter = (KFold if task.pair.kind == "regression" else StratifiedKFold)(5, shuffle=True, random_state=0)
    return cross_val_predict(tuned(task.pair), task.pair.test_x, task.pair.test_y, cv=splitter)[task.test]


def baselines(pair: Pair, labels: int) -> Iterator[Contender]:
    """Yield what every method is held against."""
    for name in ("majority", "source_only"):
        yield Contender(name, "tuned", _baseline(name))
    if labels:
        yield Contender("target_only", "tuned", _baseline("target_only"))
        yield Contender("pooled", "tuned", _baseline("pooled"))
        return
    if pair.kind == "classification":
        yield Contender("source_only", "1-NN", _nearest)
        if pair.benchmark not in TABLES:
            yield Contender("source_only_standardised", "tuned", _baseline("source_only_standardised"))
    yield Contender("target_supervised", "tuned", _ceiling)


def entries(pair: Pair, labels: int) -> Iterator[Entry]:
    """Yield the catalogue's methods that apply to arrays of this pair."""
    for entry in METHODS:
        fits = entry.kind in ("weights", "map", "predictor") and entry.space == "homogeneous"
        if not fits or entry.scenario == "unsupervised" or ("target_labels" in entry.needs and not labels):
            continue
        if labels and entry.carries not in ("instances", "parameters") and entry.name not in FEW:
            continue
        if entry.kind == "predictor" and pair.kind == "regression" and regressor(entry) is None:
            continue
        if entry.kind == "predictor" and pair.kind == "classification" and issubclass(entry.load(), DomainRegressor):
            continue
        yield entry


FEW = ("feda", "augmentation", "feature_augmentation", "none")
"""Feature methods that are measured with a few target labels too."""


def regressor(entry: Entry) -> Any:
    """Return a predictor's regressor, None if it has none."""
    if entry.regressor is not None:
        return Entry(entry.name, entry.title, entry.regressor, entry.papers).load()
    return entry.load() if issubclass(entry.load(), DomainRegressor) else None


def takes_sparse(model: Any) -> bool:
    return bool(getattr(getattr(model, "transformer", None) or model, "sparse_input", False))


def _fitted(make: Callable[[Pair], Any]) -> Callable[[Task], Array]:
    def run(task: Task) -> Array:
        model = make(task.pair)
        X, y, domain = task.joined(as_sparse=takes_sparse(model))
        asked = task.asked if sparse.issparse(X) or not sparse.issparse(task.asked) else task.asked.toarray()
        return model.fit(X, y, sample_domain=domain).predict(asked)

    return run


def _inside(cls: Any, pair: Pair) -> Any:
    """Return a predictor with the benchmark's linear model inside, where it takes an estimator."""
    names = inspect.signature(cls).parameters
    return cls(estimator=tuned(pair)) if "estimator" in names else cls()


def methods(pair: Pair, labels: int) -> Iterator[Contender]:
    """Yield every method with every head."""
    for entry in entries(pair, labels):
        if entry.kind == "weights":
            function = entry.load()
            yield Contender(
                entry.name, "tuned", _fitted(lambda p, f=function: Reweighted(weights=f, estimator=tuned(p)))
            )
        elif entry.kind == "predictor":
            cls = regressor(entry) if pair.kind == "regression" else entry.load()
            yield Contender(entry.name, "own", _fitted(lambda p, c=cls: _inside(c, p)))
        else:
            for name in HEADS if pair.kind == "classification" and pair.benchmark not in TABLES else ("tuned",):
                cls = entry.load()
                yield Contender(
                    entry.name, name, _fitted(lambda p, c=cls, h=name: Adapted(transformer=c(), estimator=head(h, p)))
                )


def contenders(pair: Pair, labels: int = 0) -> Iterator[Contender]:
    """Yield everything that is measured on a pair."""
    yield from baselines(pair, labels)
    yield from methods(pair, labels)
