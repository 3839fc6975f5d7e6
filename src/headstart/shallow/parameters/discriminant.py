"""Class means under a learned metric: a linear discriminant with a shrunken covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from headstart.functional.folds import Array
from headstart.functional.linear import probabilities
from headstart.shallow.heads.class_means import classes_alone
from headstart.shallow.heads.discriminant import discriminant
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.labels import check_features, count_outputs


@dataclass(kw_only=True)
class Discriminant(BaseEstimator):
    """Logits ``log p_c - (x - m_c)' S^-1 (x - m_c) / 2``: class means m_c, shares p_c, and the metric of S.

    S is the covariance within classes, shrunk by Ledoit and Wolf's estimate towards its diagonal on the principal axes;
    of one row per class it is a multiple of the identity, and the nearest mean answers. Nothing is chosen on folds.

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
    Fisher, "The Use of Multiple Measurements in Taxonomic Problems", Annals of Eugenics 1936; Ledoit and Wolf, "Honey,
    I Shrunk the Sample Covariance Matrix", Journal of Portfolio Management 2004.
    """

    kind: str = "classification"
    n_outputs: int | None = None

    def fit(self, features: Array, labels: Array, validation: Any = None) -> Discriminant:
        """Fit on features [n, d] and labels [n]; ``validation`` has nothing to choose."""
        labels = classes_alone("discriminant", self.kind, labels)
        features = np.asarray(features, dtype=np.float64)
        check_features(features, labels)
        self.head_ = discriminant(features, labels, self.n_outputs or count_outputs(labels, self.kind))
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
