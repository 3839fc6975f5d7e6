"""What heads share that tell classes apart by one logit each."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from headstart.functional.folds import Array
from headstart.functional.linear import probabilities
from headstart.shallow.heads.judging import per_sample


class TellsClasses(BaseEstimator):
    """Answers from logits [n, k]; a head says what they are in `decision_function`."""

    kind: str

    def decision_function(self, features: Array) -> Array:
        """Return logits [n, k]."""
        raise NotImplementedError

    def predict_proba(self, features: Array) -> Array:
        """Return probabilities [n, k]."""
        return probabilities(self.decision_function(features), "softmax")

    def predict(self, features: Array) -> Array:
        """Return class numbers [n]."""
        return self.decision_function(features).argmax(axis=1)

    def score(self, features: Array, labels: Array) -> float:
        """Return the accuracy."""
        return float(per_sample(self.decision_function(features), np.asarray(labels), self.kind)[0].mean())
