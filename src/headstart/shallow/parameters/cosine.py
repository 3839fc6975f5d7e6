"""A cosine head: class means of unit features, seen from a centre."""

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
class CosineMeans(BaseEstimator):
    """Logits ``s cos(x - m, c_k)``, c_k [d] the mean of class k's unit rows ``(x_i - m) / |x_i - m|``.

    The plain baseline that is hard to beat with few labels: no part of the network is trained for it. A class without
    a row is never answered.

    Parameters
    ----------
    kind : "classification"; nothing else has classes to stand for.
    n_outputs : number of classes; None takes it from the labels.
    steepness : s; changes how sure the answers are, and not which.

    Attributes
    ----------
    centre_ [d], means_ [k, d], offset_ [k].

    Raises
    ------
    UserError
        For another kind, and for features that no model can be fitted on.

    References
    ----------
    Wang et al., "SimpleShot: Revisiting Nearest-Neighbor Classification for Few-Shot Learning", 2019 (centred, unit);
    Chen et al., "A Closer Look at Few-shot Classification", ICLR 2019 (Baseline++).
    """

    kind: str = "classification"
    n_outputs: int | None = None
    steepness: float = 10.0

    def fit(self, features: Array, labels: Array, validation: Any = None, centre: Array | None = None) -> CosineMeans:
        """Take the means of features [n, d] by labels [n].

        Parameters
        ----------
        validation : there is nothing to choose by it.
        centre : [d], the mean of the source's own features; None for the mean of ``features``, which with a row per
            class only is itself made of what is told apart.
        """
        labels = classes_alone("cosine", self.kind, labels)
        features = np.asarray(features, dtype=np.float64)
        check_features(features, labels)
        self.centre_ = features.mean(axis=0) if centre is None else np.asarray(centre, dtype=np.float64)
        k = self.n_outputs or count_outputs(labels, self.kind)
        self.means_, there = means_of(unit(features - self.centre_), labels, k)
        self.means_ = unit(self.means_)
        self.offset_ = np.where(there, 0.0, -4 * self.steepness)
        return self

    def decision_function(self, features: Array) -> Array:
        """Return logits [n, k]."""
        rows = unit(np.asarray(features, dtype=np.float64) - self.centre_)
        return self.steepness * rows @ self.means_.T + self.offset_

    def predict_proba(self, features: Array) -> Array:
        """Return probabilities [n, k]."""
        return probabilities(self.decision_function(features), "softmax")

    def predict(self, features: Array) -> Array:
        """Return class numbers [n]."""
        return self.decision_function(features).argmax(axis=1)

    def score(self, features: Array, labels: Array) -> float:
        """Return the accuracy."""
        return float(per_sample(self.decision_function(features), np.asarray(labels), self.kind)[0].mean())


def unit(rows: Array) -> Array:
    """Return rows of length 1 (a row of zeros stays)."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)
