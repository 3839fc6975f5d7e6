"""What linear models of several tasks share: rows in units of their deviations, values that may be missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from headstart.errors import UserError

Array = np.ndarray


def fit_linear(estimator: Any, X: Any, y: Any, solve: Callable[[Array, Array], Array]) -> None:
    """Set ``coef_`` [t, p] and ``intercept_`` [t] from ``solve(x, y)`` [p, t] of standardised rows and values.

    Raises
    ------
    UserError
        If a task has fewer than two values.
    """
    x, values, centre, spread = in_units(estimator, X, y)
    mean, std = x.mean(axis=0), x.std(axis=0)
    std = np.where(std > 0, std, 1.0)
    found = solve((x - mean) / std, values)
    estimator.coef_ = (found / std[:, None] * spread).T
    estimator.intercept_ = centre - estimator.coef_ @ mean


def in_units(estimator: Any, X: Any, y: Any) -> tuple[Array, Array, Array, Array]:
    """Return rows [n, p], values [n, t] in units of their deviations (NaN: missing), and their means and deviations.

    Sets ``single_``: whether y was one column.

    Raises
    ------
    UserError
        If a task has fewer than two values.
    """
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None.")
    x: Any = validate_data(estimator, X, dtype=np.float64)
    options: dict[str, Any] = {"ensure_2d": False, "input_name": "y", "dtype": np.float64}
    values = check_array(y, ensure_all_finite="allow-nan", **options)  # type: ignore[arg-type]
    if values.ndim == 1:  # nothing is shared, so that a missing value is a mistake
        check_array(values, **options)
    if len(values) != len(x):
        raise ValueError(f"X has {len(x)} rows and y {len(values)}; give as many values as rows.")
    estimator.single_ = values.ndim == 1
    values = values.reshape(len(x), -1)
    lacking = np.flatnonzero((~np.isnan(values)).sum(axis=0) < min(2, len(x)))
    if len(lacking):
        raise UserError(f"Task {lacking[0]} of y has fewer than 2 values; give more, or leave the column out.")
    centre, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return x, (values - centre) / spread, centre, spread


def predict_linear(estimator: Any, X: Any) -> Array:
    """Return values [n, t], or [n] where y was one column."""
    check_is_fitted(estimator, "coef_")
    x = validate_data(estimator, X, dtype=np.float64, reset=False)
    found = x @ estimator.coef_.T + estimator.intercept_
    return found[:, 0] if estimator.single_ else found
