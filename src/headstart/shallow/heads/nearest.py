"""Nearest neighbours whose votes fade with distance, and which choose how fast on the rows they are fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from headstart.functional.folds import best, default_folds, projected_order
from headstart.isolated import Isolated

Array = np.ndarray
WIDTHS = (0.1, 0.2, 0.4, 0.8)


@dataclass(kw_only=True, eq=False, repr=False)
class TunedNearest(Isolated, ClassifierMixin, BaseEstimator):
    """Kernel-weighted nearest neighbours, the kernel's width chosen by seeded stratified cross-validation.

    ``p(c | x) ~ sum_{j of the k nearest, y_j = c} exp(-(d_j^2 - d_1^2) / (2 h^2 d_1^2))``: distances count in units of
    the nearest one's, so that rows far from all others, as those of another domain are, still have soft votes.

    Parameters
    ----------
    n_neighbors : k. widths : h to choose from by accuracy and, among equals, the log-loss; small ones are 1-NN.
    standardise : whether distances count in each feature's standard deviation. n_folds, seed : of the cross-validation.

    Attributes
    ----------
    classes_, width_ : the chosen h.

    References
    ----------
    Hechenbichler and Schliep, "Weighted k-Nearest-Neighbor Techniques and Ordinal Classification", 2004, section 3.
    """

    n_neighbors: int = 10
    widths: tuple[float, ...] = WIDTHS
    standardise: bool = False
    n_folds: int = 3
    seed: int = 0

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on rows X [n, d], dense or CSR, with labels y [n]."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        order = projected_order(X, self.seed)  # neither folds nor ties follow the order in which the rows came
        X, labels = X[order], labels[order]
        self.scaler_ = StandardScaler(with_mean=False, with_std=self.standardise).fit(X)
        self.width_ = self.widths[0]
        if len(self.widths) > 1 and len(labels) >= 2 * self.n_folds:
            right, loss = cross_validated(self, self.scaler_.transform(X), labels)
            self.width_ = self.widths[best(right.mean(axis=1), loss.mean(axis=1), np.array(self.widths))]
        self.search_ = NearestNeighbors(n_neighbors=min(self.n_neighbors, len(labels)), algorithm="brute")
        self.search_.fit(self.scaler_.transform(X))
        self.labels_ = labels
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities [n, k] of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=np.float64)
        distance, number = self.search_.kneighbors(self.scaler_.transform(X))
        return votes(distance, self.labels_[number], len(self.classes_), self.width_)

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row [n]."""
        chosen = self.predict_proba(X).argmax(axis=1)
        return self.classes_[chosen]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def votes(distance: Array, labels: Array, n_classes: int, width: float) -> Array:
    """Return class probabilities [m, n_classes] from the distances and labels [m, k] of neighbours, nearest first."""
    nearest = np.maximum(distance[:, :1], 1e-12 * max(float(distance.max(initial=0.0)), 1e-300))
    weights = np.exp(-np.minimum((distance / nearest) ** 2 - 1, 1e6).clip(0) / (2 * width**2))
    shown = labels[:, :, None] == np.arange(n_classes)
    out = np.einsum("mk,mkc->mc", weights, shown)
    return out / out.sum(axis=1, keepdims=True)


def cross_validated(model: TunedNearest, X: Any, labels: Array) -> tuple[Array, Array]:
    """Return hits and log-losses [widths, n] of rows held out in turn."""
    n = len(labels)
    right, loss = np.zeros((2, len(model.widths), n))
    for train, held in default_folds(labels, "classification", model.n_folds, model.seed):
        search = NearestNeighbors(n_neighbors=min(model.n_neighbors, len(train)), algorithm="brute").fit(X[train])
        distance, number = search.kneighbors(X[held])
        for index, width in enumerate(model.widths):
            p = votes(distance, labels[train][number], int(labels.max()) + 1, width)
            right[index, held] = p.argmax(axis=1) == labels[held]
            loss[index, held] = -np.log(np.maximum(p[np.arange(len(held)), labels[held]], 1e-3))
    return right, loss
