"""A Gaussian process on features: its kernel by the evidence, its confidence by answers that leave a row out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_solve
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cdist, pdist
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from headstart.functional.folds import Array
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.labels import (
    answers,
    as_labels,
    check_features,
    count_outputs,
    indicators,
    link_of,
    shares,
)

MOST_ROWS, EVIDENCE_ROWS, STEEPEST = 2000, 500, 50.0


@dataclass(kw_only=True)
class GaussianProcess(BaseEstimator):
    """``f(x) = b + s k(x, X) (K + noise I)^-1 (T - b)`` with ``k(x, z) = signal exp(-|x - z|^2 / (2 length^2))``.

    T [n, k] are values, or indicators of classes (least squares); b is their mean. Signal, length and noise are of the
    greatest evidence. Of classes f are logits: s has the least log loss of answers that leave each row out, which a
    Gaussian process has in closed form. Of more than 2,000 rows so many are drawn, and 500 for the evidence.

    Parameters
    ----------
    kind : "classification", "multilabel" or "regression". n_outputs : None takes it from the labels.
    settings : signal, length, noise, and s; None finds them. seed : of the rows that are drawn.

    Attributes
    ----------
    settings_; references_ [m, d], weight_ [m, k], bias_ [k], length_.

    References
    ----------
    Rasmussen and Williams, "Gaussian Processes for Machine Learning", MIT Press 2006, sections 2.7, 5.4.2 and 6.5.
    """

    kind: str = "classification"
    n_outputs: int | None = None
    settings: tuple[float, float, float, float] | None = None
    seed: int = 0

    def fit(self, features: Array, labels: Array, validation: Any = None) -> GaussianProcess:
        """Fit on features [n, d]; ``validation`` has nothing to choose."""
        features, labels = np.asarray(features, dtype=np.float64), as_labels(labels, self.kind)
        check_features(features, labels)
        rows = np.sort(np.random.default_rng(self.seed).permutation(len(features))[:MOST_ROWS])
        x, y = features[rows], labels[rows]
        wanted = indicators(y, self.kind, self.n_outputs or count_outputs(labels, self.kind)).reshape(len(y), -1)
        mean, scale = wanted.mean(axis=0), np.maximum(wanted.std(axis=0), 1e-12)
        signal, length, noise = (self.settings or _most_evident(x, (wanted - mean) / scale, self.seed))[:3]
        kernel = signal * np.exp(-cdist(x, x, "sqeuclidean") / (2 * length**2)) + noise * np.eye(len(x))
        inverse = cho_solve((np.linalg.cholesky(kernel), True), np.eye(len(x)))
        dual = inverse @ (wanted - mean)
        left_out = wanted - dual / np.diag(inverse)[:, None]
        steepness = self.settings[3] if self.settings else self._steepness(left_out, y)
        self.settings_ = float(signal), float(length), float(noise), float(steepness)
        self.references_, self.length_ = x, float(length)
        self.weight_, self.bias_ = steepness * signal * dual, steepness * (mean - self._middle)
        return self

    @property
    def _middle(self) -> float:
        return 0.5 if link_of(self.kind) == "sigmoid" else 0.0

    def _steepness(self, left_out: Array, labels: Array) -> float:
        if link_of(self.kind) == "identity":
            return 1.0

        def loss(log: float) -> float:
            return float(per_sample(np.exp(log) * (left_out - self._middle), labels, self.kind)[1].mean())

        found: Any = minimize_scalar(loss, bounds=(-np.log(STEEPEST), np.log(STEEPEST)), method="bounded")
        return float(np.exp(found.x))

    def decision_function(self, features: Array) -> Array:
        """Return logits [n, k], or values."""
        distance = cdist(np.asarray(features, dtype=np.float64), self.references_, "sqeuclidean")
        return np.exp(-distance / (2 * self.length_**2)) @ self.weight_ + self.bias_

    def predict_proba(self, features: Array) -> Array:
        """Return probabilities [n, k]."""
        return shares(self.decision_function(features), self.kind)

    def predict(self, features: Array) -> Array:
        """Return class numbers [n], 0/1 label sets [n, k], or values [n, k]."""
        return answers(self.decision_function(features), self.kind)

    def score(self, features: Array, labels: Array) -> float:
        """Return the mean of the task's primary metric, higher is better."""
        return float(per_sample(self.decision_function(features), as_labels(labels, self.kind), self.kind)[0].mean())


def _most_evident(x: Array, wanted: Array, seed: int) -> tuple[float, float, float]:
    """Return signal, length and noise of the greatest evidence of standardised targets, on rows drawn by seed."""
    rows = np.random.default_rng(seed).permutation(len(x))[:EVIDENCE_ROWS]
    away = pdist(x[rows])
    usual = float(np.median(away[away > 0])) if (away > 0).any() else 1.0
    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * RBF(usual, (usual / 30, usual * 30)) + WhiteKernel(0.3, (1e-3, 1e1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a bound that is reached is an answer too
        found: Any = GaussianProcessRegressor(kernel).fit(x[rows], wanted[rows]).kernel_
    return found.k1.k1.constant_value, found.k1.k2.length_scale, found.k2.noise_level
