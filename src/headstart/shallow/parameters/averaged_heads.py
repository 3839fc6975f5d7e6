"""Averaged heads: several linear heads' logits, each weighted by what it says of rows that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from headstart.functional.folds import Array, Fold, default_folds
from headstart.functional.linear import probabilities
from headstart.shallow.heads.class_means import classes_alone
from headstart.shallow.heads.fusion import pool
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.labels import check_features, count_outputs
from headstart.shallow.heads.linear import Head, put_into
from headstart.shallow.parameters.probe import Probe
from headstart.shallow.parameters.prototypes import Prototypes

MEMBERS = ("probe", "discriminant", "prototypes")


@dataclass(kw_only=True)
class AveragedHeads(BaseEstimator):
    """``f(x) = sum_m a_m f_m(x)`` with ``a >= 0`` of the least log loss of answers out of fold.

    Members are a logistic probe, a linear discriminant with the pooled covariance shrunk by Ledoit and Wolf's estimate
    (class means under a learned metric), and class means. ``a_m`` is a member's weight and its inverse temperature in
    one: the softmax of f is the logarithmic pool of their calibrated answers. The sum is a linear map of the features.

    Parameters
    ----------
    kind : "classification"; the members that differ from the probe know nothing else.
    n_outputs : number of classes; None takes it from the labels. n_folds, seed : of the folds where none are given.

    Attributes
    ----------
    coef_ [k, d], intercept_ [k], head_; weights_ (member to a_m).

    Raises
    ------
    UserError
        For another kind, and for features that no model can be fitted on.

    References
    ----------
    Genest and Zidek, "Combining Probability Distributions: A Critique and an Annotated Bibliography", Statistical
    Science 1986 (logarithmic pools); Ledoit and Wolf, "Honey, I Shrunk the Sample Covariance Matrix", 2004.
    """

    kind: str = "classification"
    n_outputs: int | None = None
    n_folds: int = 5
    seed: int = 0

    def fit(
        self, features: Array, labels: Array, validation: Any = None, folds: list[Fold] | None = None
    ) -> AveragedHeads:
        """Fit on features [n, d] and labels [n]; ``validation`` has nothing to choose."""
        labels = classes_alone("averaged_heads", self.kind, labels)
        features = np.asarray(features, dtype=np.float64)
        check_features(features, labels)
        k = self.n_outputs or count_outputs(labels, self.kind)
        folds = folds or default_folds(labels, self.kind, self.n_folds, self.seed)
        probe = Probe(n_outputs=k, standardise=None).fit(features, labels, folds=folds)
        whole = _members(features, labels, k, probe)
        held = [(out, _members(features[train], labels[train], k, probe)) for train, out in folds]
        outputs = np.stack(
            [np.concatenate([part[name].outputs(features[out]) for out, part in held]) for name in whole]
        )
        rows = np.concatenate([out for _, out in folds])
        found = pool(outputs, labels[rows])
        self.weights_ = dict(zip(whole, found.tolist(), strict=True))
        self.head_ = Head(
            sum(self.weights_[name] * head.coef for name, head in whole.items()),
            sum(self.weights_[name] * head.intercept for name, head in whole.items()),
        )
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


def _members(features: Array, labels: Array, k: int, probe: Probe) -> dict[str, Head]:
    """Fit every member on these rows, the probe with the strength and scale that it chose."""
    again = Probe(n_outputs=k, strengths=(probe.strength_,), standardise=probe.standardised_)
    one = [(np.arange(len(labels)), np.arange(len(labels)))]
    means = Prototypes(n_outputs=k).fit(features, labels)
    return {
        "probe": again.fit(features, labels, folds=one).head_,
        "discriminant": _discriminant(features, labels, k),
        "prototypes": Head(means.coef_ / features.shape[1], means.intercept_ / features.shape[1]),
    }


def _discriminant(features: Array, labels: Array, k: int) -> Head:
    """Return the shrunken discriminant as a head; a class without a row is never answered.

    It is solved on the axes on which these rows vary, so that no covariance is larger than their number.
    """
    centre = features.mean(axis=0)
    _, singular, axes = np.linalg.svd(features - centre, full_matrices=False)
    axes = axes[singular > 1e-9 * max(singular[0], 1e-300)]
    there = np.unique(labels)
    coef, intercept = np.zeros((k, features.shape[1])), np.full(k, -1e3)
    if len(there) < 2 or not len(axes):
        intercept[there] = 0.0
        return Head(coef, intercept)
    found = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit((features - centre) @ axes.T, labels)
    weights, bias = found.coef_, found.intercept_
    if len(there) == 2:
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    coef[there] = weights @ axes
    intercept[there] = bias - coef[there] @ centre
    return Head(coef, intercept)
