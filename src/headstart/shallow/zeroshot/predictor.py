"""One scikit-learn face for every way of telling classes by their attributes, with calibrated stacking."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from headstart import catalogue
from headstart.errors import UserError
from headstart.functional.folds import Array
from headstart.functional.linear import probabilities
from headstart.shallow.heads.labels import check_features


class ZeroShot(ClassifierMixin, BaseEstimator):
    """Classes with samples and classes without, both known by attributes.

    ``f(x)_k = w_k x + b_k - calibration [k has samples]``: w and b by a method on features of variance 1, brought
    back to raw features; attributes are standardised over all classes and brought to unit length.

    Parameters
    ----------
    method : "eszsl", "sae", "ale", "devise", "sje", "drawn" or "aligned". strength : the method's; None for its own.
    calibration : what classes with samples are lowered by, in units of the logits' deviation over rows and classes.
    seed : of draws and of orders.

    Attributes
    ----------
    coef_ [k, d], intercept_ [k], seen_ [k] (bool), classes_ [k].

    References
    ----------
    Chao et al., "An Empirical Study and Analysis of Generalized Zero-Shot Learning for Object Recognition in the Wild",
    ECCV 2016 (calibrated stacking, equation 4).
    """

    def __init__(
        self, method: str = "eszsl", strength: float | None = None, calibration: float = 0.0, seed: int = 0
    ) -> None:
        self.method, self.strength, self.calibration, self.seed = method, strength, calibration, seed

    def fit(self, X: Array, y: Array, attributes: Array) -> ZeroShot:
        """Fit on features [n, d] whose labels [n] number the rows of ``attributes`` [k, a], which has all classes."""
        x, labels, table = np.asarray(X, dtype=np.float64), np.asarray(y), np.asarray(attributes, dtype=np.float64)
        check_features(x, labels)
        _check(labels, table)
        if getattr(import_module(function_of(self.method).__module__), "RAW", False):
            self.coef_ = function_of(self.method)(x, labels, table, seed=self.seed)
            self.coef_ = self.coef_ / max(float((x @ self.coef_.T).std()), 1e-12)
            self.intercept_ = np.zeros(len(table))
            return self._known(labels, table)
        centre, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale > 1e-12 * max(1.0, float(scale.max(initial=0.0))), scale, 1.0)
        options = {} if self.strength is None else {"strength": self.strength}
        scaled = (x - centre) / scale
        found = function_of(self.method)(scaled, labels, unit_attributes(table), seed=self.seed, **options)
        weights, extra = found[:, : x.shape[1]], found[:, x.shape[1] :].sum(axis=1)
        deviation = max(float((scaled @ weights.T + extra).std()), 1e-12)
        self.coef_ = weights / scale / deviation
        self.intercept_ = extra / deviation - self.coef_ @ centre
        return self._known(labels, table)

    def _known(self, labels: Array, table: Array) -> ZeroShot:
        self.seen_ = np.isin(np.arange(len(table)), labels)
        self.classes_ = np.arange(len(table))
        return self

    def decision_function(self, X: Array) -> Array:
        """Return logits [n, k] of all classes."""
        return np.asarray(X) @ self.coef_.T + self.intercept_ - self.calibration * self.seen_

    def predict_proba(self, X: Array) -> Array:
        """Return probabilities [n, k]."""
        return probabilities(self.decision_function(X), "softmax")

    def predict(self, X: Array) -> Array:
        """Return rows of the attributes [n]."""
        return self.decision_function(X).argmax(axis=1)


def function_of(method: str) -> Any:
    """Return the function that a method's name stands for."""
    names = [entry.name for entry in catalogue.METHODS if entry.kind == "zero_shot"]
    if method not in names:
        raise UserError(f"There is no zero-shot method '{method}'; choose of {', '.join(names)}.")
    return catalogue.get(method).load()


def strengths_of(method: str) -> tuple[float, ...]:
    """Return the strengths that a method is tried with."""
    return import_module(function_of(method).__module__).STRENGTHS


def unit_attributes(attributes: Array) -> Array:
    """Return attributes of mean 0 and variance 1 over the classes, each class brought to unit length."""
    spread = attributes.std(axis=0)
    scaled = (attributes - attributes.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-12)


def _check(labels: Array, attributes: Array) -> None:
    if attributes.ndim != 2 or not np.isfinite(attributes).all():
        raise UserError("Attributes are a table of finite numbers, one row per class.")
    if labels.size and (labels.min() < 0 or labels.max() >= len(attributes)):
        raise UserError(f"A label is {labels.max()}, and the attributes have {len(attributes)} rows, one per class.")
    if len(np.unique(labels)) < 2:
        raise UserError(
            "Zero-shot learning needs two classes with samples or more, to learn what attributes look like."
        )
