"""Laws of methods across domains: maps, predictors, and the weights of source rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone, is_regressor

from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import mask
from headstart.shallow.shells.adapted import Adapted
from headstart.shallow.shells.reweighted import Reweighted

Array = np.ndarray
Factory = Callable[[], Any]


class Case(NamedTuple):
    """Rows of both domains, all true labels, and which target rows keep theirs."""

    X: Array
    y: Array
    sample_domain: Array
    known: Array

    def seen(self) -> Array:
        """Return the labels that a method may see."""
        return mask(self.y, (self.sample_domain < 0) & ~self.known)


def make_case(kind: str, *, n: int = 30, d: int = 4, labelled: int = 9, seed: int = 0) -> Case:
    """Make two domains of three classes, or of one value: the target is shifted by half a deviation and labelled in
    ``labelled`` rows."""
    rng = np.random.default_rng(seed)
    classes = np.arange(2 * n) % 3
    centres = np.concatenate([3 * np.eye(3), np.zeros((3, max(d - 3, 0)))], axis=1)[:, :d]
    X = rng.normal(size=(2 * n, d)) + centres[classes]
    X[n:] += 0.5
    y: Array = classes if kind == "classification" else X @ np.linspace(1, 2, d) + 0.1 * rng.normal(size=2 * n)
    known = (np.arange(2 * n) >= n) & (np.arange(2 * n) < n + labelled)
    return Case(X, y, np.repeat([1, -1], n), known)


def check_domain_method(factory: Factory, *, kind: str | None = None) -> None:
    """Run every law on what ``factory`` makes; an AssertionError tells the broken one.

    Parameters
    ----------
    factory : makes a `DomainTransformer`, or a classifier or regressor across domains.
    kind : "classification" or "regression"; None for what the predictor is.
    """
    kind = kind or ("regression" if is_regressor(factory()) else "classification")
    case = make_case(kind)
    check_clones(factory)
    check_repeats(factory, case)
    check_row_order(factory, case)
    check_blind(factory, case)
    check_survives(factory, kind)


def model_of(method: Any, kind: str) -> Any:
    """Return a whole predictor: a map gets its head."""
    if not isinstance(method, DomainTransformer):
        return method
    return Adapted(transformer=method, estimator=_head(kind))


def _head(kind: str) -> Any:
    """Return a head of one strength: the laws are the map's, and a search of strengths fits every fold for nothing."""
    from headstart.shallow.heads.ridge import TunedRidge
    from headstart.shallow.heads.tuned import TunedLogistic

    return TunedLogistic(strengths=(0.01,)) if kind == "classification" else TunedRidge()


def _kind(case: Case) -> str:
    return "regression" if case.y.dtype.kind == "f" else "classification"


def answers(method: Any, case: Case, rows: Array | None = None) -> Array:
    """Fit on the case and return predictions for ``rows`` of the target, all of its rows by default."""
    model = model_of(method, _kind(case)).fit(case.X, case.seen(), sample_domain=case.sample_domain)
    rows = case.X[case.sample_domain < 0] if rows is None else rows
    return model.predict(rows) if _kind(case) == "regression" else model.predict_proba(rows)


def check_clones(factory: Factory) -> None:
    """`clone` and `get_params` give the same hyper-parameters back."""
    twin: Any = clone(factory())
    assert str(twin.get_params()) == str(factory().get_params()), f"{factory()!r} does not clone."


def check_repeats(factory: Factory, case: Case) -> None:
    """Fitting changes no hyper-parameter, and the same seed gives the same bits."""
    method = factory()
    before = str(method.get_params())
    first, second = answers(method, case), answers(method, case)
    assert str(method.get_params()) == before, f"{before} was changed by fitting."
    assert np.array_equal(first, second), f"{method!r}: two fits with one seed differ."


def check_row_order(factory: Factory, case: Case) -> None:
    """The order of the rows never matters, targets before sources included; nor does the company of a new row."""
    rows = case.X[case.sample_domain < 0]
    straight = answers(factory(), case, rows)
    for order in (np.arange(len(case.X))[::-1], np.random.default_rng(1).permutation(len(case.X))):
        other = answers(factory(), Case(*(part[order] for part in case)), rows)
        assert _agree(straight, other), f"{factory()!r} depends on the order of the rows."
    alone = np.concatenate([answers(factory(), case, rows[:1]), answers(factory(), case, rows[1:])])
    assert _agree(straight, alone), f"{factory()!r}: a row's prediction depends on the rows beside it."


def _agree(first: Array, second: Array) -> bool:
    """Values within a thousandth of their spread; for probabilities one row in twenty may tip over at a tie."""
    if first.ndim == 1:
        return bool(np.allclose(first, second, rtol=0, atol=1e-3 * max(float(first.std()), 1e-9) + 1e-9))
    near = np.abs(first - second).max(axis=1) < 0.02
    return bool(near.mean() >= 0.95)


def check_blind(factory: Factory, case: Case) -> None:
    """Masked labels cannot be read: other true labels behind the mask change nothing."""
    hidden = (case.sample_domain < 0) & ~case.known
    other = case._replace(y=np.where(hidden, case.y[::-1], case.y))
    assert np.array_equal(answers(factory(), case), answers(factory(), other)), f"{factory()!r} read a masked label."


def check_survives(factory: Factory, kind: str) -> None:
    """More features than rows, constant features, a class absent in the target: finite predictions for all rows.

    A method may refuse a case by a `ValueError` of one sentence.
    """
    plain = make_case(kind)
    constant = plain._replace(X=np.column_stack([plain.X, np.full(len(plain.X), 7.0), np.zeros(len(plain.X))]))
    absent = plain
    if kind == "classification":
        keep = (plain.sample_domain > 0) | (plain.y != 2)
        absent = Case(*(part[keep] for part in plain))
    for name, case in {
        "more features than rows": make_case(kind, n=9, d=40, labelled=6),
        "constant features": constant,
        "a class absent in the target": absent,
        "five target rows": Case(*(part[:35] for part in plain)),
    }.items():
        try:
            out = answers(factory(), case)
        except ValueError as error:
            message = str(error)
            assert "\n" not in message, f"{factory()!r}, {name}: the refusal is not one sentence: {message}"
            continue
        assert np.isfinite(out).all(), f"{factory()!r}, {name}: predictions are not finite."
        if kind == "classification":
            assert np.allclose(out.sum(axis=1), 1, atol=1e-6), f"{factory()!r}, {name}: probabilities do not sum to 1."


def check_weights(function: Callable[..., Array], *, seed: int = 0) -> None:
    """Laws of a function that weighs source rows: finite, not negative, blind to the rows' order, near uniform on
    identical domains; `Reweighted` with it obeys the laws of every predictor."""
    rng = np.random.default_rng(seed)
    labels = np.arange(60) % 3
    source = rng.normal(size=(60, 2)) + 3 * np.eye(3)[labels][:, :2]
    target = rng.normal(size=(50, 2)) + 3 * np.eye(3)[np.arange(50) % 3][:, :2] + 0.3
    weights = function(source, target, labels=labels, seed=0)
    assert weights.shape == (60,), "One weight per source row is expected."
    assert np.isfinite(weights).all(), "Weights must be finite."
    assert (weights >= 0).all(), "Weights must not be negative."
    order = rng.permutation(60)
    again = function(source[order], target[::-1], labels=labels[order], seed=0)
    assert np.allclose(again, weights[order], rtol=0.05, atol=0.05 * weights.mean()), "The rows' order matters."
    same = function(source, source, labels=labels, seed=0)
    same = same / same.mean()
    assert np.abs(same - 1).mean() < 0.15, f"Identical domains give weights {same.min():.2f} to {same.max():.2f}."
    check_domain_method(lambda: Reweighted(weights=function, estimator=_head("classification")))
