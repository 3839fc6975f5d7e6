"""Regularisation towards the source's coefficients: the target's model is the source's unless its labels object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.special import softmax
from sklearn.preprocessing import StandardScaler

from headstart.functional.folds import best
from headstart.shallow.domains import Domains, stack
from headstart.shallow.heads.judging import cross_validated
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.parameters.biased import Linear, biased_logistic, biased_ridge
from headstart.shallow.predictors import DomainClassifier, DomainRegressor
from headstart.shallow.source_model import fit_model, folds_for, in_order, is_single, known_rows, scores

Array = np.ndarray
STRENGTHS = tuple(np.logspace(-2, 6, 9).tolist())


class Correction(NamedTuple):
    """What the target's labels add to the source's outputs, and the strength that they were held back with."""

    linear: Linear
    strength: float
    scores: Array
    losses: Array


def towards_source(
    x: Any, labels: Array, offset: Array, strengths: tuple[float, ...] = STRENGTHS, seed: int = 0
) -> Correction:
    """Return the linear correction of a source's outputs, its strength chosen on the labelled rows.

    ``min_{V, b}  sum_i loss(y_i, o_i + V x_i + b) + alpha (||V||^2 + ||b||^2)`` (``alpha / 2`` for the log-loss), where
    for a linear source ``o_i = W x_i`` the penalty is ``alpha ||W' - W||^2``. The intercept is held as well (at the
    mean row), so that a class without a label keeps the source's score. alpha: leave-one-out up to 20 rows, five folds
    above; accuracy or absolute error first, then the loss, then the stronger one. One row keeps the strongest.

    Parameters
    ----------
    x : labelled target rows [n, d], dense or CSR, in comparable units.
    labels : class numbers [n], or values [n, k].
    offset : the source's scores or values [n, k] of these rows.

    References
    ----------
    Li, Grandvalet and Davoine, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", ICML 2018,
    section 3. Evgeniou and Pontil, "Regularized Multi-Task Learning", KDD 2004, section 2.
    """
    kind, solve = ("classification", biased_logistic) if labels.ndim == 1 else ("regression", biased_ridge)
    held_back = list(strengths)

    def outputs(train: Array, held: Array) -> list[Array]:
        path = solve(x[train], labels[train], offset[train], held_back, free_intercept=False)
        return [offset[held] + linear(x[held]) for linear in path]

    measured, lost = cross_validated(outputs, labels, kind, folds_for(_strata(labels), kind, seed))
    means = measured.mean(axis=1), lost.mean(axis=1)
    number = best(*means, np.array(strengths)) if len(measured) else int(np.argmax(strengths))
    linear = solve(x, labels, offset, held_back[number:] + held_back[:number], free_intercept=False)[0]
    return Correction(linear, float(strengths[number]), *means)


def _strata(labels: Array) -> Array:
    return labels if labels.ndim == 1 else labels[:, 0]


class _State(NamedTuple):
    """A source model, and the target's correction on scaled rows; None where no target label is known."""

    model: Any
    correction: Correction | None
    k: int | None
    scale: Array

    def outputs(self, rows: Any, is_source: bool) -> Array:
        out = scores(self.model, rows, self.k)
        if self.correction is None or is_source:
            return out
        linear = self.correction.linear
        return out + Linear(linear.coef / self.scale, linear.intercept)(rows)


def _learn(estimator: Any, domains: Domains, k: int | None, strengths: tuple[float, ...], seed: int) -> _State:
    domains = in_order(domains)
    rows, labels = known_rows(domains)
    model = fit_model(estimator, domains.source, domains.labels, domains.target)
    if is_single(domains) or not len(labels):
        return _State(model, None, k, np.ones(domains.source.shape[1]))
    scale = np.asarray(StandardScaler(with_mean=False).fit(stack(domains.source, domains.target)).scale_)
    labels = labels if k is not None else labels[:, None]
    scaled = rows.multiply(1 / scale).tocsr() if hasattr(rows, "multiply") else rows / scale
    return _State(model, towards_source(scaled, labels, scores(model, rows, k), strengths, seed), k, scale)


@dataclass(kw_only=True, eq=False, repr=False)
class TowardsSourceClassifier(DomainClassifier):
    """Logistic regression on the target's labels, regularised towards the source's coefficients.

    ``p(y | x) = softmax(o(x) + V x + b)`` with the source's scores o and ``alpha / 2 (||V||^2 + ||b||^2)`` on what the
    target adds, in units of each feature's standard deviation over both domains. Without a target label V = 0: the
    source's model. For a source that is not linear, its log-probabilities are o: hypothesis transfer.

    Parameters
    ----------
    estimator : fitted on the source rows; None for `TunedLogistic`.
    strengths : candidates for alpha, of which cross-validation on the known target labels chooses (leave-one-out up to
        20 labels). seed : of the folds.

    Attributes
    ----------
    model_ : the source's. strength_ : alpha; None without target labels.

    References
    ----------
    Li, Grandvalet and Davoine, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", ICML 2018.
    Kuzborskij and Orabona, "Stability and Hypothesis Transfer Learning", ICML 2013.
    """

    sparse_input: ClassVar[bool] = True
    estimator: Any = None
    strengths: tuple[float, ...] = STRENGTHS
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        estimator = TunedLogistic() if self.estimator is None else self.estimator
        self.state_ = _learn(estimator, domains, len(self.classes_), self.strengths, self.seed)
        self.model_, correction = self.state_.model, self.state_.correction
        self.strength_ = None if correction is None else correction.strength

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        known, outputs = self.model_.classes_, self.state_.outputs(rows, is_source)
        if self.strength_ is None or is_source:
            hidden = ~np.isin(np.arange(outputs.shape[1]), known)
            outputs[:, hidden] = -np.inf
        return softmax(outputs, axis=1)


@dataclass(kw_only=True, eq=False, repr=False)
class TowardsSourceRegressor(DomainRegressor):
    """Ridge regression on the target's labels, regularised towards the source's coefficients.

    ``min_{V, b}  sum_i (y_i - o(x_i) - V x_i - b)^2 + alpha (||V||^2 + b^2)``, in closed form; without a target label
    V = 0: the source's model.

    Parameters
    ----------
    estimator : fitted on the source rows; None for `TunedRidge`. strengths, seed : as in `TowardsSourceClassifier`.

    Attributes
    ----------
    model_, strength_ : as in `TowardsSourceClassifier`.

    References
    ----------
    Kuzborskij and Orabona, "Stability and Hypothesis Transfer Learning", ICML 2013, section 4 (biased regularised
    least squares).
    """

    sparse_input: ClassVar[bool] = True
    estimator: Any = None
    strengths: tuple[float, ...] = STRENGTHS
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        estimator = TunedRidge() if self.estimator is None else self.estimator
        self.state_ = _learn(estimator, domains, None, self.strengths, self.seed)
        self.model_, correction = self.state_.model, self.state_.correction
        self.strength_ = None if correction is None else correction.strength

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return self.state_.outputs(rows, is_source)[:, 0]
