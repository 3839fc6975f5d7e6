"""Linear models that start from a source's outputs: biased regularisation, for all strengths at once.

With outputs ``o_i`` [k] of the source for row ``x_i`` [p], both functions minimise over ``V`` [k, p] and a free
intercept ``b`` [k]

    sum_i loss(y_i, o_i + V x_i + b) + penalty(alpha) ||V||^2.

For a linear source ``o_i = W_source x_i`` this is L2-SP: with ``W = W_source + V`` the penalty is
``||W - W_source||^2``. For any other source it is hypothesis transfer. With ``o = 0`` it is training from scratch.
With ``standardise``, the penalty is on ``V`` in units of the columns' standard deviations. With
``free_intercept=False`` the same penalty holds ``b``, counted at the mean row: a class without a single row keeps the
source's score.

References
----------
Li, Grandvalet and Davoine, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", ICML 2018.
Kuzborskij and Orabona, "Stability and Hypothesis Transfer Learning", ICML 2013.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from headstart.functional.linear import principal, unfold
from headstart.functional.ridge import ridge_path

Array = np.ndarray


class Linear(NamedTuple):
    """A linear map to be added to the source's outputs: ``coef`` [k, p] and ``intercept`` [k]."""

    coef: Array
    intercept: Array

    def __call__(self, x: Any) -> Array:
        return np.asarray(x @ self.coef.T) + self.intercept


def biased_ridge(
    x: Any,
    y: Array,
    offset: Array,
    alphas: list[float],
    *,
    standardise: bool = False,
    free_intercept: bool = True,
) -> list[Linear]:
    """Return, for each alpha, the minimiser of ``||y - offset - x V' - b||^2 + alpha ||V||^2``, in closed form.

    Parameters
    ----------
    x : rows [n, p], dense or CSR.
    y : targets [n, k], in any units.
    offset : the source's outputs [n, k], in the units of y; zeros for training from scratch.
    alphas : strengths above 0.

    Examples
    --------
    >>> x, y = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [2.0], [4.0]])
    >>> scratch, near_source = biased_ridge(x, y, 3 * x, [1e-9, 1e9])
    >>> float(np.round(3 + scratch.coef[0, 0], 6)), float(np.round(3 + near_source.coef[0, 0], 6))
    (2.0, 3.0)
    """
    basis = principal(x, standardise=standardise)
    residual = y - offset
    mean = residual.mean(axis=0)
    n = len(residual)
    path = ridge_path(basis, residual - mean, np.asarray(alphas) / n)
    held = [1.0 if free_intercept else n / (n + alpha) for alpha in alphas]
    return [Linear(*unfold(basis, weights, mean * part)) for weights, part in zip(path, held, strict=True)]


def biased_logistic(
    x: Any,
    labels: Array,
    offset: Array,
    alphas: list[float],
    *,
    standardise: bool = False,
    free_intercept: bool = True,
    tolerance: float = 1e-5,
) -> list[Linear]:
    """Return, for each alpha, the minimiser of ``sum_i log-loss_i + alpha / 2 ||V||^2``, by L-BFGS.

    Parameters
    ----------
    x : rows [n, p].
    labels : class numbers [n].
    offset : the source's scores [n, k], up to a constant per row; zeros for training from scratch.
    alphas : strengths above 0; each solution starts from that of the next stronger one. scikit-learn's
        ``C`` is ``1 / alpha`` (for two classes, where it counts one row w = V_1 - V_0, ``2 / alpha``).
    tolerance : the largest entry of the gradient, in scaled coordinates, at which a solution counts; 1e-3 is near
        enough for a choice between strengths and takes a fifth of the time.
    """
    basis = principal(x, standardise=standardise)
    n, k = offset.shape
    weights, intercept = np.zeros((len(basis.singular), k)), np.zeros(k)
    path: dict[int, Linear] = {}
    for index in np.argsort(alphas, kind="stable")[::-1]:
        strength = alphas[index] / n
        scale = 1 / np.sqrt(0.1 * basis.singular[:, None] ** 2 / n + strength)  # 0.1: p (1 - p), roughly
        data = (basis.rotated * scale.T, labels, offset, strength * scale**2, 0.0 if free_intercept else strength)
        start = np.vstack([weights / scale, intercept]).ravel()
        options = {"maxiter": 1000, "gtol": tolerance, "ftol": tolerance**3 * 1e3}
        found = minimize(_objective, start, data, "L-BFGS-B", jac=True, options=options).x.reshape(-1, k)
        weights, intercept = found[:-1] * scale, found[-1]
        path[int(index)] = Linear(*unfold(basis, weights, intercept))
    return [path[index] for index in range(len(alphas))]


def _objective(flat: Array, x: Array, labels: Array, offset: Array, penalty: Array, held: float) -> tuple[float, Array]:
    """Mean loss and its gradient in scaled coordinates, where the axes cost ``penalty / 2`` [r, 1] each, and the
    intercept ``held / 2``."""
    n, k = offset.shape
    weights, intercept = flat.reshape(-1, k)[:-1], flat.reshape(-1, k)[-1]
    rows, logits = np.arange(n), offset + x @ weights + intercept
    logits -= logits.max(axis=1, keepdims=True)
    slope = np.exp(logits)
    total = slope.sum(axis=1, keepdims=True)
    loss = float((np.log(total[:, 0]) - logits[rows, labels]).mean())
    slope /= total
    slope[rows, labels] -= 1.0
    value = loss + ((penalty * weights**2).sum() + held * (intercept**2).sum()) / 2
    gradient = np.vstack([x.T @ slope / n + penalty * weights, slope.mean(axis=0) + held * intercept])
    return float(value), gradient.ravel()
