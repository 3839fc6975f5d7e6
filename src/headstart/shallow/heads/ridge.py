"""Ridge regression that chooses its own strength of regularisation on the rows it is fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import (
    _check_sample_weight,  # pyright: ignore[reportPrivateUsage]
    check_is_fitted,
    validate_data,
)

from headstart.functional.folds import Array, default_strengths
from headstart.isolated import Isolated


@dataclass(kw_only=True, eq=False, repr=False)
class TunedRidge(Isolated, RegressorMixin, BaseEstimator):
    """Ridge regression on standardised features, its strength chosen by leave-one-out in closed form.

    Parameters
    ----------
    strengths : penalties per sample; None for nineteen from 1e3 to 1e-6.
    standardise : whether the penalty counts weights in units of each feature's standard deviation.

    Attributes
    ----------
    strength_ : the penalty per sample that was chosen. model_ : the `RidgeCV` on scaled rows.
    """

    strengths: tuple[float, ...] | None = None
    standardise: bool = True

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit on rows X [n, d], dense or CSR, with values y [n] or [n, k]."""
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2
        )
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        self.scaler_ = StandardScaler(with_mean=not sparse.issparse(X), with_std=self.standardise).fit(X)
        strengths = default_strengths("regression") if self.strengths is None else np.array(self.strengths)
        total = len(y) if weights is None else float(weights.sum())
        self.model_ = RidgeCV(alphas=strengths * total).fit(self.scaler_.transform(X), y, sample_weight=weights)
        self.strength_ = float(np.asarray(self.model_.alpha_)) / total
        return self

    def predict(self, X: Any) -> Array:
        """Return values [n] or [n, k]."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=np.float64)
        return self.model_.predict(self.scaler_.transform(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        return tags
