"""One number that turns scores into probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

Array = np.ndarray


def fit_steepness(scores: Array, labels: Array, *, limits: tuple[float, float] = (1e-3, 1e3)) -> float:
    """Return t > 0 for which ``softmax(t scores)`` fits the labels best: ``min_t mean_i -log p(y_i)``.

    The inverse of a temperature, searched between the limits in units of the scores' spread.

    Parameters
    ----------
    scores : [n, k], of rows that did not make them where that can be had. labels : [n], 0 to k - 1.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.
    """
    scores = scores - scores.mean(axis=1, keepdims=True)
    spread = float(scores.std()) or 1.0

    def loss(log_steepness: float) -> float:
        logs = log_softmax(np.exp(log_steepness) / spread * scores, axis=1)
        return -float(logs[np.arange(len(labels)), labels].mean())

    low, high = np.log(limits)
    found: Any = minimize_scalar(loss, bounds=(low, high), method="bounded")
    return float(np.exp(found.x)) / spread
