"""Averaged heads: a probe's and a discriminant's logits, each weighted by what it says of rows that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from headstart.functional.folds import Array, Fold, default_folds, default_strengths
from headstart.functional.linear import probabilities
from headstart.shallow.heads.class_means import classes_alone
from headstart.shallow.heads.discriminant import discriminant
from headstart.shallow.heads.fusion import pool
from headstart.shallow.heads.joint import choose_jointly
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.labels import check_features, count_outputs
from headstart.shallow.heads.linear import Head, Problem, put_into, search, solve


@dataclass(kw_only=True)
class AveragedHeads(BaseEstimator):
    """``f(x) = sum_m a_m f_m(x)`` with ``a >= 0`` of the least log loss of answers out of fold.

    Members are a logistic probe and a linear discriminant with a shrunken covariance. ``a_m`` is a member's weight and
    its inverse temperature in one: the softmax of f is the logarithmic pool of their calibrated answers. The sum is a
    linear map of the features.

    Parameters
    ----------
    kind : "classification"; a discriminant knows nothing else. n_outputs : classes; None takes it from the labels.
    weights : a_m; None finds them. strength, standardise : of the probe, likewise.
    n_folds, seed : of the folds where none are given.

    Attributes
    ----------
    coef_ [k, d], intercept_ [k], head_; weights_ (a_m), strength_, standardised_.

    Raises
    ------
    UserError
        For another kind, and for features that no model can be fitted on.

    References
    ----------
    Genest and Zidek, "Combining Probability Distributions: A Critique and an Annotated Bibliography", Statistical
    Science 1986 (logarithmic pools).
    """

    kind: str = "classification"
    n_outputs: int | None = None
    weights: tuple[float, ...] | None = None
    strength: float | None = None
    standardise: bool | None = None
    n_folds: int = 5
    seed: int = 0

    def fit(
        self, features: Array, labels: Array, validation: Any = None, folds: list[Fold] | None = None
    ) -> AveragedHeads:
        """Fit on features [n, d] and labels [n]; ``validation`` has nothing to choose."""
        labels = classes_alone("averaged_heads", self.kind, labels)
        features = np.asarray(features, dtype=np.float64)
        check_features(features, labels)
        folds = folds or default_folds(labels, self.kind, self.n_folds, self.seed)
        strengths = default_strengths(self.kind) if self.strength is None else np.array([self.strength])
        problem = Problem(self.kind, self.n_outputs or count_outputs(labels, self.kind), strengths)
        scaled = self.standardise
        self.standardised_ = (
            choose_jointly({"": features}, labels, problem, folds).standardise if scaled is None else scaled
        )
        problem = problem._replace(standardise=self.standardised_, common=not self.standardised_)
        chosen = search(features, labels, problem, folds=folds)
        self.strength_ = chosen.strength
        members = [chosen.head, discriminant(features, labels, problem.n_outputs)]
        problem = problem._replace(strengths=np.array([chosen.strength]))
        self.weights_ = self.weights or _weigh(features, labels, problem, folds)
        coef = sum(weight * head.coef for weight, head in zip(self.weights_, members, strict=True))
        intercept = sum(weight * head.intercept for weight, head in zip(self.weights_, members, strict=True))
        self.head_ = Head(np.asarray(coef), np.asarray(intercept))
        self.coef_, self.intercept_ = self.head_.coef, self.head_.intercept
        return self

    def decision_function(self, features: Array) -> Array:
        """Return logits [n, k]."""
        return self.head_.outputs(features)

    def predict_proba(self, features: Array) -> Array:
        """Return probabilities [n, k]."""
        return probabilities(self.decision_function(features), "softmax")

    def predict(self, features: Array) -> Array:
        """Return class numbers [n]."""
        return self.decision_function(features).argmax(axis=1)

    def score(self, features: Array, labels: Array) -> float:
        """Return the accuracy."""
        return float(per_sample(self.decision_function(features), np.asarray(labels), self.kind)[0].mean())

    def to_head(self, head: Any, logic: Any = None) -> Any:
        """Put the solution into ``head``, an `nn.Linear`, and return it."""
        return put_into(head, self.head_, logic)


def _weigh(x: Array, labels: Array, problem: Problem, folds: list[Fold]) -> tuple[float, ...]:
    """Return a_m by members that have not seen the rows that they answer."""
    outputs = []
    for train, held in folds:
        members = [solve(x[train], labels[train], problem)[0], discriminant(x[train], labels[train], problem.n_outputs)]
        outputs.append(np.stack([head.outputs(x[held]) for head in members]))
    rows = np.concatenate([held for _, held in folds])
    return tuple(pool(np.concatenate(outputs, axis=1), labels[rows]).tolist())
