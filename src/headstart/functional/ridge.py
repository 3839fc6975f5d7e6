"""Ridge regression of all strengths at once, in closed form."""

from __future__ import annotations

import numpy as np

from headstart.functional.linear import Array, Basis


def ridge_path(basis: Basis, targets: Array, strengths: Array) -> Array:
    """Solve ``min_W 1/2 ||Y - X W||^2 + n s / 2 ||W||^2`` for every strength s: [len(strengths), r, k].

    One factorisation serves all: ``W = diag(1 / (sigma^2 + n s)) X' Y`` on the principal axes.

    Parameters
    ----------
    basis : of n samples. targets : [n, k], centred. strengths : penalties per sample.

    References
    ----------
    Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", Technometrics 1970.
    """
    n = len(targets)
    shared = basis.rotated.T @ targets
    return np.stack([shared / (basis.singular[:, None] ** 2 + n * s) for s in strengths])


def ridge_leave_one_out(basis: Basis, targets: Array, strengths: Array) -> Array:
    """Return the leave-one-out residuals ``(y_i - yhat_i) / (1 - h_ii)`` of every strength: [s, n, k].

    The hat matrix includes the intercept's 1/n.

    References
    ----------
    Golub, Heath and Wahba, "Generalized Cross-Validation as a Method for Choosing a Good Ridge Parameter",
    Technometrics 1979.
    """
    n = len(targets)
    rotated, squares = basis.rotated, basis.singular**2
    weights = ridge_path(basis, targets, strengths)
    leverage = np.stack([(rotated**2 / (squares + n * s)).sum(axis=1) for s in strengths]) + 1 / n
    residual = targets - np.einsum("nr,srk->snk", rotated, weights)
    return residual / np.maximum(1 - leverage, 1e-12)[:, :, None]
