"""Tasks that read the same few columns."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from headstart.functional.proximal import proximal_least_squares, rows_together
from headstart.shallow.tasks.linear import fit_linear, predict_linear


class SharedSparsity(RegressorMixin, BaseEstimator):
    """``min_W sum_t |y_t - X w_t|^2 / (2 n_t) + alpha sum_j |W_j|``, W_j [t] the coefficients of column j in all tasks.

    The multi-task lasso, with values that may be missing (NaN in y [n, t]); columns and values are in units of their
    deviations.

    Parameters
    ----------
    alpha : strength, 0 or more.

    References
    ----------
    Argyriou, Evgeniou and Pontil, "Multi-Task Feature Learning", NeurIPS 2006; Obozinski, Taskar and Jordan, "Joint
    covariate selection and joint subspace selection for multiple classification problems", Statistics and Computing
    2010.
    """

    def __init__(self, alpha: float = 0.1) -> None:
        self.alpha = alpha

    def fit(self, X: Any, y: Any) -> Self:
        fit_linear(self, X, y, lambda x, values: proximal_least_squares(x, values, self.alpha, rows_together))
        return self

    def predict(self, X: Any) -> np.ndarray:
        return predict_linear(self, X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
