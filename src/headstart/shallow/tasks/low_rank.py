"""Tasks whose coefficients lie in a space of few dimensions."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from headstart.functional.proximal import proximal_least_squares, singular_values
from headstart.shallow.tasks.linear import fit_linear, predict_linear


class LowRank(RegressorMixin, BaseEstimator):
    """``min_W sum_t |y_t - X w_t|^2 / (2 n_t) + alpha |W|_*``, the sum of the singular values of W [p, t].

    Values may be missing (NaN in y [n, t]); columns and values are in units of their deviations.

    Parameters
    ----------
    alpha : strength, 0 or more.

    References
    ----------
    Argyriou, Evgeniou and Pontil, "Convex Multi-task Feature Learning", Machine Learning 2008; Ji and Ye, "An
    Accelerated Gradient Method for Trace Norm Minimization", ICML 2009.
    """

    def __init__(self, alpha: float = 0.1) -> None:
        self.alpha = alpha

    def fit(self, X: Any, y: Any) -> Self:
        fit_linear(self, X, y, lambda x, values: proximal_least_squares(x, values, self.alpha, singular_values))
        return self

    def predict(self, X: Any) -> np.ndarray:
        return predict_linear(self, X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
