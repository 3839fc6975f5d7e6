"""Tasks whose coefficients lie near their mean."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from headstart.shallow.tasks.linear import fit_linear, predict_linear


class MeanRegularised(RegressorMixin, BaseEstimator):
    """``min sum_t |y_t - X (w_0 + v_t)|^2 / n_t + alpha (share |w_0|^2 t + sum_t |v_t|^2)``, in closed form.

    w_0 [p] is what all tasks have in common, v_t [p] what is a task's own. Values may be missing (NaN in y [n, t]);
    columns and values are in units of their deviations. A large ``share`` makes every task a ridge regression of its
    own, a small one makes all of them one.

    Parameters
    ----------
    alpha : strength, above 0. share : of the penalty on what is common, above 0.

    References
    ----------
    Evgeniou and Pontil, "Regularized Multi-Task Learning", KDD 2004, equation 7.
    """

    def __init__(self, alpha: float = 0.1, share: float = 0.1) -> None:
        self.alpha, self.share = alpha, share

    def fit(self, X: Any, y: Any) -> Self:
        fit_linear(self, X, y, self._solve)
        return self

    def _solve(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Solve for w_0 and all v_t at once: v_t is a ridge solution given w_0, which leaves one system of p."""
        p, t = x.shape[1], y.shape[1]
        given = ~np.isnan(y)
        grams, products = [], []
        for task in range(t):
            rows, n = x[given[:, task]], given[:, task].sum()
            grams.append(rows.T @ rows / n)
            products.append(rows.T @ y[given[:, task], task] / n)
        ridge = self.alpha * np.eye(p)
        shrunk = [ridge @ np.linalg.inv(gram + ridge) for gram in grams]
        left = sum(s @ gram for s, gram in zip(shrunk, grams, strict=True)) + self.share * t * ridge
        common = np.linalg.solve(left, sum(s @ b for s, b in zip(shrunk, products, strict=True)))
        own = [np.linalg.solve(g + ridge, b - g @ common) for g, b in zip(grams, products, strict=True)]
        return np.stack([common + one for one in own], axis=1)

    def predict(self, X: Any) -> np.ndarray:
        return predict_linear(self, X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
