"""What is measured on a pair: baselines, every method of the catalogue that applies, and the automatic choice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.domains.pairs import TABLES, Pair
from benchmarks.domains.races import held_out
from benchmarks.domains.records import scores
from benchmarks.domains.tasks import Contender, Task, has_units, head, tuned
from headstart.catalogue import METHODS
from headstart.catalogue.entry import Entry
from headstart.choice import choose
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.predictors import DomainRegressor
from headstart.shallow.shells.adapted import Adapted
from headstart.shallow.shells.reweighted import Reweighted

Array = np.ndarray
HEADS = ("1-NN", "tuned")


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
    """Cross-validate on the target's own labels, 5 folds; from its training rows where it has some."""
    if task.pair.target_y is not None:
        return _plain(tuned(task.pair), task.pair.target_x, task.pair.target_y, task.asked)
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
        fits = fits and pair.kind in entry.applies
        if not fits or entry.scenario == "unsupervised" or ("target_labels" in entry.needs and not labels):
            continue
        if labels and entry.carries not in ("instances", "parameters") and entry.name not in FEW:
            continue
        if entry.kind == "predictor" and pair.kind == "regression" and regressor(entry) is None:
            continue
        if entry.kind == "predictor" and pair.kind == "classification" and issubclass(entry.load(), DomainRegressor):
            continue
        yield entry


OWN = ("TransferredForest", "WarmStart")
"""Classes whose estimator must be of a kind of its own: a forest, one that can be fitted on."""
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
    """Return a predictor with the benchmark's linear model inside, where it takes any estimator."""
    given = inspect.signature(cls).parameters
    return cls(estimator=tuned(pair)) if "estimator" in given and not cls.__name__.startswith(OWN) else cls()


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


def automatic(task: Task) -> tuple[Array, dict[str, Any]]:
    """Let `headstart.choice.choose` choose; beside its answer, what it had chosen from, scored afterwards.

    How the evidence combines was learned without the pair's benchmark (`learn_gain.held_out`).

    "unguarded": the adapted model of the highest predicted gain, whatever the guard says. "raced": every candidate's
    scores, predicted gain and outcome on the test rows, which the choice has not seen.
    """
    given = {"task": task.pair.kind, "gain": held_out(task.pair), "standardise": has_units(task.pair)}
    choice = choose(*task.joined(as_sparse=True), **given)
    selection = choice.selection
    model = choice.model

    def answer(number: int) -> Array:
        model.selection_ = selection._replace(chosen=number)
        return model.predict(task.asked)

    raced = []
    for number, one in enumerate(selection.finished):
        outcome = scores(task.truth, answer(number), task.pair.kind, rows=False)
        evidence = {name: round(float(value), 4) for name, value in one.scores.items()}
        gain = None if np.isnan(selection.gains[number]) else round(float(selection.gains[number]), 2)
        raced.append({"name": one.name, "gain": gain, "seconds": round(one.seconds, 2), "scores": evidence} | outcome)
    bold = selection.chosen if selection.considered is None else selection.considered
    rows = len(task.known) == 0
    more = {"unguarded": scores(task.truth, answer(bold), task.pair.kind, rows=rows), "raced": raced}
    return answer(selection.chosen), more | {"kept": choice.name, "reason": choice.reason}


def contenders(pair: Pair, labels: int = 0) -> Iterator[Contender]:
    """Yield everything that is measured on a pair."""
    yield from baselines(pair, labels)
    yield from methods(pair, labels)
    yield Contender("auto", "own", automatic)
