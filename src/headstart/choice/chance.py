"""The guard's stated risk: how often predictions like this one were above 0 in cases that were left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit

Array = np.ndarray
CONFIDENCE = 0.8
"""Calibrated chance of a gain above 0 from which an adapted model is handed back."""
BOUND = 0.4
"""Most that is promised per changed answer. Where an answer changes the gain is +1, 0 or -1, and on the development
pairs the error of a prediction is 0.4 of the changed answers whether they are 5% or 50% of the rows."""
LARGEST = 10.0


def chance(slope: float, gains: Any) -> Any:
    """Return the calibrated chance that a gain is above 0, ``1 / (1 + exp(-slope gain))``; NaN stays NaN.

    Parameters
    ----------
    slope : per point; 0 where the evidence says nothing. gains : predicted, in points.
    """
    return expit(slope * np.asarray(gains, dtype=np.float64))


def learn_slope(predicted: Array, gained: Array, groups: Array) -> float:
    """Return the slope of the logistic curve of "the gain was above 0" on the predicted gain, at least 0.

    A prediction of 0 has a chance of one half, so that the curve has one parameter; every group counts alike.

    Parameters
    ----------
    predicted : [n] gains in points, each by coefficients learned without its group. gained : [n] what they turned out
        to be. groups : [n].

    References
    ----------
    Platt, "Probabilistic Outputs for Support Vector Machines", in Advances in Large Margin Classifiers, 2000 (without
    its intercept).
    """
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1 / counts[inverse]
    sign = np.where(gained > 0, 1.0, -1.0)

    def loss(slope: float) -> float:
        wrong = np.logaddexp(0.0, -slope * sign * predicted)
        return float(weights @ wrong / weights.sum()) + 1e-3 * slope**2

    found: Any = minimize_scalar(loss, bounds=(0.0, LARGEST), method="bounded", options={"xatol": 1e-6})
    return float(found.x) if loss(float(found.x)) < loss(0.0) else 0.0
