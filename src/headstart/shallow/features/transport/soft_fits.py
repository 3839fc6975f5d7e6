"""Models of target rows with transported labels, which are soft: logistic and ridge, linear or on kernel features."""

from __future__ import annotations

import numpy as np
from sklearn.kernel_approximation import Nystroem

from headstart.functional.linear import Basis, logistic_path, principal, probabilities, unfold
from headstart.functional.mmd import median_bandwidth
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic

Array = np.ndarray
LANDMARKS = 500


class Features:
    """Rows as they are, or their Nyström features of a Gaussian kernel with the median distance as bandwidth."""

    def __init__(self, kernel: str, rows: Array) -> None:
        if kernel not in ("linear", "rbf"):
            raise ValueError(f"kernel is {kernel!r}; expected 'linear' or 'rbf'.")
        self.linear = kernel == "linear"
        self.approximation = "exact"
        if self.linear:
            return
        landmarks = rows[:: int(np.ceil(len(rows) / LANDMARKS))]
        gamma = 0.5 / median_bandwidth(landmarks) ** 2
        self.map = Nystroem(gamma=gamma, n_components=len(landmarks), random_state=0).fit(landmarks)
        if len(landmarks) < len(rows):
            self.approximation = f"nystroem, {len(landmarks)} landmarks of {len(rows)} rows"

    def __call__(self, rows: Array) -> Array:
        return rows if self.linear else self.map.transform(rows)


class SoftLogistic:
    """Logistic regression on label distributions [n, k].

    Parameters
    ----------
    strength : penalty per sample; None for what cross-validation chooses on ``rows`` with certain ``labels``.
    """

    def __init__(self, features: Features, rows: Array, labels: Array, strength: float | None = None) -> None:
        self.features = features
        if strength is None:
            strength = TunedLogistic(standardise=features.linear).fit(features(rows), labels).strength_
        self.strength = float(strength)

    def start(self, rows: Array) -> Basis:
        """Return what fits to different labels of the same rows share."""
        return principal(self.features(rows), standardise=self.features.linear)

    def fit(self, basis: Basis, labels: Array) -> SoftLogistic:
        """Fit to soft labels; a class without mass keeps probability 0."""
        self.shown = labels.max(axis=0) > 1e-6
        solution = logistic_path(basis, labels[:, self.shown], np.array([self.strength]))[0]
        self.coef, self.intercept = unfold(basis, *solution)
        return self

    def predict(self, rows: Array) -> Array:
        """Return probabilities [n, k]."""
        out = np.zeros((len(rows), len(self.shown)))
        out[:, self.shown] = probabilities(self.features(rows) @ self.coef.T + self.intercept, "softmax")
        return out


class SoftRidge:
    """Ridge regression on transported values [n, 1]."""

    def __init__(self, features: Features) -> None:
        self.features = features

    def start(self, rows: Array) -> Array:
        """Return what fits to different labels of the same rows share."""
        return self.features(rows)

    def fit(self, basis: Array, labels: Array) -> SoftRidge:
        """Fit at the strength that leave-one-out chooses."""
        self.model = TunedRidge(standardise=self.features.linear).fit(basis, labels[:, 0])
        return self

    def predict(self, rows: Array) -> Array:
        """Return values [n, 1]."""
        return self.model.predict(self.features(rows))[:, None]
