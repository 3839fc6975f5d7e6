"""Trees on few rows of few columns, fitted by scikit-learn: extremely randomised ones, and boosted ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headstart.functional.folds import Array
from headstart.shallow.heads.boosting import Boosted, boosted
from headstart.shallow.heads.labels import link_of

TREES, LEAF, ROUNDS = 50, 2, 20
"""Extremely randomised trees, the fewest rows of their leaves, and rounds of boosting."""


class Randomised(NamedTuple):
    """Extremely randomised trees: values, or the logarithms of smoothed votes."""

    model: Any
    n_outputs: int
    classes: bool

    def __call__(self, x: Array) -> Array:
        """Return outputs [n, k]; a class that no tree votes for is as likely as one vote more would make it."""
        if not self.classes:
            return self.model.predict(x).reshape(len(x), -1)
        votes = np.ones((len(x), self.n_outputs))
        votes[:, self.model.classes_] += TREES * self.model.predict_proba(x)
        return np.log(votes / (TREES + self.n_outputs))


def randomised(x: Array, target: Array, kind: str, n_outputs: int) -> Randomised:
    """Return trees whose every split is the best of one random threshold per column.

    Parameters
    ----------
    x : rows [n, p]. target : class numbers [n], or values [n, k].

    References
    ----------
    Geurts, Ernst and Wehenkel, "Extremely Randomized Trees", Machine Learning 2006.
    """
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    classes = link_of(kind) == "softmax"
    kind_of_trees: Any = ExtraTreesClassifier if classes else ExtraTreesRegressor
    model = kind_of_trees(TREES, min_samples_leaf=LEAF, max_features=1.0, random_state=0)
    flat = target if classes or target.shape[1] > 1 else target[:, 0]
    return Randomised(model.fit(x, flat), n_outputs, classes)


def trees(x: Array, target: Array, kind: str, n_outputs: int) -> tuple[Randomised, Boosted]:
    """Return both kinds of trees, fitted; each is a function from rows to outputs [n, k]."""
    return randomised(x, target, kind, n_outputs), boosted(x, target, kind, n_outputs, ROUNDS)
