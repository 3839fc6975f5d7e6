"""What is kept of a choice: the model handed back, without the race behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from headstart.choice.blend import Blend
from headstart.choice.race import Raced

Array = np.ndarray


@dataclass(kw_only=True, eq=False, repr=False)
class Averaged(BaseEstimator):
    """A weighted average of fitted models: of their probabilities, or of their values.

    Parameters
    ----------
    members : fitted models. weights : their shares, which sum to 1.
    classes : number of classes; 0 for values.
    """

    members: tuple[Any, ...] = ()
    weights: tuple[float, ...] = ()
    classes: int = 0

    @property
    def classes_(self) -> Array:
        return np.arange(self.classes)

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities [n, classes] of target rows."""
        found = np.zeros((X.shape[0], self.classes))
        for member, weight in zip(self.members, self.weights, strict=True):
            found[:, np.asarray(member.classes_, dtype=np.int64)] += weight * member.predict_proba(X)
        return found

    def predict(self, X: Any) -> Array:
        """Return class numbers, or values, [n] of target rows."""
        if self.classes:
            return self.predict_proba(X).argmax(axis=1)
        each = zip(self.members, self.weights, strict=True)
        return np.asarray(sum(weight * member.predict(X) for member, weight in each))


def light(one: Raced, n_classes: int) -> Any:
    """Return an outcome's fitted model as an estimator of its own."""
    if isinstance(one.model, Blend):
        return Averaged(members=one.model.members, weights=one.model.weights, classes=n_classes)
    return one.model
