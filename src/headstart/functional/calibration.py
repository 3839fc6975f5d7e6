"""Calibration of a classifier's scores by one temperature and one bias per class, and how far confidences are off."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

Array = np.ndarray


class Calibration(NamedTuple):
    """``probabilities = softmax(slope * scores + bias)``; slope is one over the temperature."""

    slope: float
    bias: Array

    def __call__(self, scores: Array) -> Array:
        return softmax(self.slope * scores + self.bias, axis=1)


def calibrate(scores: Array, labels: Array) -> Calibration:
    """Fit slope >= 0 and bias [k] to held-out scores [n, k] (logits or log-probabilities) and class numbers [n].

    Bias-corrected temperature scaling: the log-loss's minimum, with ``1e-6 |bias|^2`` added so that it is unique. With
    two classes it is Platt's scaling. At the minimum the mean probability of each class is its share of the labels.

    References
    ----------
    Alexandari, Kundaje and Shrikumar, "Maximum Likelihood with Bias-Corrected Calibration is Hard-To-Beat at Label
    Shift Adaptation", ICML 2020. Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML
    2017.
    """
    n, k = scores.shape
    wanted = np.eye(k)[labels]
    wide = max(float(scores.std()), 1e-12)

    def loss(flat: Array) -> tuple[float, Array]:
        logs = log_softmax(flat[0] / wide * scores + flat[1:], axis=1)
        slope = (np.exp(logs) - wanted) / n
        gradient = np.append((slope * scores).sum() / wide, slope.sum(axis=0) + 2e-6 * flat[1:])
        return float(-(wanted * logs).sum() / n + 1e-6 * (flat[1:] ** 2).sum()), gradient

    bounds = [(0.0, 1e3 * wide)] + [(-50.0, 50.0)] * k
    start = np.append(wide, np.zeros(k)) if wide > 1e-12 else np.zeros(k + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"gtol": 1e-8, "ftol": 1e-14})
    return Calibration(float(found.x[0] / wide), found.x[1:])


def calibration_error(confidence: Array, correct: Array, bins: int = 15) -> float:
    """Expected calibration error: the mean over equal-width bins of \\|accuracy - confidence\\|, weighted by size.

    References
    ----------
    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
    """
    edge = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(correct[edge == b].mean() - confidence[edge == b].mean()) * np.mean(edge == b) for b in np.unique(edge)]
    return float(np.sum(gaps))


def confidences(values: Array, labels: Array, link: str) -> tuple[Array, Array]:
    """Return confidence and hit of every answer: one per sample, or (sigmoid) one per label of a label set."""
    if link == "sigmoid":
        return np.maximum(values, 1 - values).ravel(), ((values > 0.5) == (labels > 0.5)).ravel()
    return values.max(axis=1), values.argmax(axis=1) == labels
