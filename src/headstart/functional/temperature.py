"""One number that turns scores into probabilities."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logit, softmax

Array = np.ndarray
LEAST = 20
"""Held-out rows below which a confidence is left as it is."""


class Temperature(NamedTuple):
    """By what outputs, or the logarithms of probabilities, are multiplied, and what that rests on.

    Attributes
    ----------
    steepness : one over the temperature. n : held-out rows; 0 where none was set.
    on : "target" or "source" rows, and why, in one sentence: said where they may be either.
    """

    steepness: float = 1.0
    n: int = 0
    on: str = ""
    why: str = ""


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


def sharpened(probabilities: Array, steepness: float, link: str) -> Array:
    """Return the probabilities that outputs times ``steepness`` give: ``softmax(t log p)``, or a sigmoid per label."""
    if link == "sigmoid":
        return expit(steepness * logit(np.clip(np.asarray(probabilities, dtype=np.float64), 1e-12, 1 - 1e-12)))
    return softmax(steepness * np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), 1e-30)), axis=1)


def held_out_steepness(probabilities: Array, labels: Array, link: str) -> float:
    """Return t > 0, one over the temperature, that makes held-out probabilities fit their labels best.

    ``min_t  sum_i -log p_t(y_i) + (log t)^2 / (2 log(2)^2)``. The second term stands for a first guess of 1 within a
    factor of 2: a handful of rows that are all right would else ask for certainty.

    Parameters
    ----------
    probabilities : [n, k], of rows that did not make them. labels : class numbers [n], or 0/1 [n, k] for
        the link "sigmoid".
    """

    def loss(log_steepness: float) -> float:
        p = np.clip(sharpened(probabilities, float(np.exp(log_steepness)), link), 1e-30, 1 - 1e-12)
        if link == "sigmoid":
            fit = -np.where(labels > 0.5, np.log(p), np.log1p(-p)).mean(axis=1).sum()
        else:
            fit = -np.log(p[np.arange(len(p)), labels]).sum()
        return float(fit) + log_steepness**2 / (2 * np.log(2) ** 2)

    found: Any = minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))
