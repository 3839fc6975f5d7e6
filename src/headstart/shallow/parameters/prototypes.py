"""Prototypes: a class is the mean of its few samples' features, with nothing to choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from headstart.functional.linear import probabilities
from headstart.shallow.heads.class_means import classes_alone, means_of
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.labels import Array, check_features, count_outputs


@dataclass(kw_only=True)
class Prototypes(BaseEstimator):
    """Logits ``-|x - c_k|^2``, c_k [d] the mean of class k's training rows; a class without a row is never answered.

    As a linear model: weights 2 c_k and intercepts -|c_k|^2, for |x|^2 is the same for every class. A class takes one
    label or more; features of a source that was trained on episodes (`ProtoNet`) are made for it.

    Parameters
    ----------
    kind : "classification"; nothing else has classes to stand for.
    n_outputs : number of classes; None takes it from the labels.

    Attributes
    ----------
    coef_ [k, d], intercept_ [k].

    Raises
    ------
    UserError
        For another kind, and for features that no model can be fitted on.

    References
    ----------
    Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017, equation 8.
    """

    kind: str = "classification"
    n_outputs: int | None = None

    def fit(self, features: Array, labels: Array, validation: Any = None) -> Prototypes:
        """Take the means of features [n, d] by labels [n]; ``validation`` has nothing to choose."""
        labels = classes_alone("prototypes", self.kind, labels)
        features = np.asarray(features, dtype=np.float64)
        check_features(features, labels)
        means, there = means_of(features, labels, self.n_outputs or count_outputs(labels, self.kind))
        self.coef_ = 2 * means
        least = -(np.abs(features).max() ** 2) * features.shape[1] * 100 - 1
        self.intercept_ = np.where(there, -np.square(means).sum(axis=1), least)
        return self

    def decision_function(self, features: Array) -> Array:
        """Return logits [n, k]: minus the squared distances, but for what all classes share."""
        return np.asarray(features, dtype=np.float64) @ self.coef_.T + self.intercept_

    def predict_proba(self, features: Array) -> Array:
        """Return probabilities [n, k]."""
        return probabilities(self.decision_function(features), "softmax")

    def predict(self, features: Array) -> Array:
        """Return class numbers [n]."""
        return self.decision_function(features).argmax(axis=1)

    def score(self, features: Array, labels: Array) -> float:
        """Return the accuracy."""
        return float(per_sample(self.decision_function(features), np.asarray(labels), self.kind)[0].mean())
