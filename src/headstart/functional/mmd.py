"""Maximum mean discrepancy: how far apart two samples' distributions are, seen through a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

Array = np.ndarray


def squared_distances(x: Any, y: Any) -> Array:
    """Return ``||x_i - y_j||^2``, [n, m], of rows [n, d] and [m, d], each dense or CSR."""
    if sparse.issparse(x) or sparse.issparse(y):
        product = x @ y.T
        product = product.toarray() if sparse.issparse(product) else np.asarray(product)
        squares = _lengths(x)[:, None] + _lengths(y) - 2 * product
    else:
        squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
    return np.maximum(squares, 0.0)


def _lengths(rows: Any) -> Array:
    """Return the squared length of every row, [n]."""
    return np.asarray((rows.multiply(rows) if sparse.issparse(rows) else rows**2).sum(axis=1)).ravel()


def median_bandwidth(x: Any) -> float:
    """Return the median distance between different rows of x [n, d], dense or CSR; 1 when all rows agree.

    References
    ----------
    Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, section 8.
    """
    if x.shape[0] < 2:
        return 1.0
    squares = squared_distances(x, x)
    middle = float(np.sqrt(np.median(np.concatenate([row[i + 1 :] for i, row in enumerate(squares)]))))
    return middle if middle > 0 else 1.0


def rbf(x: Any, y: Any, bandwidth: float) -> Array:
    """Return the Gaussian kernel ``exp(-||x_i - y_j||^2 / (2 bandwidth^2))``, [n, m], of dense or CSR rows."""
    return np.exp(-squared_distances(x, y) / (2 * bandwidth**2))


def mmd(x: Array, y: Array, *, bandwidth: float | None = None, unbiased: bool = True) -> float:
    """Return MMD^2 between samples x [n, d] and y [m, d] under a Gaussian kernel.

    ``mean k(x, x') + mean k(y, y') - 2 mean k(x, y)``; the unbiased estimate leaves i = j out of the first two
    means, and may be below 0.

    Parameters
    ----------
    bandwidth : in the unit of the features; None for the median heuristic on the pooled sample.

    References
    ----------
    Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, equations 3 and 5.
    """
    pooled = np.concatenate([x, y]).astype(np.float64)
    kernel = rbf(pooled, pooled, bandwidth or median_bandwidth(pooled))
    first = (np.arange(len(pooled)) < len(x)).astype(np.float64)[:, None]
    return float(mmd_of_gram(kernel, first, unbiased)[0])


def mmd_permutation_test(
    x: Array, y: Array, *, bandwidth: float | None = None, permutations: int = 500, seed: int = 0
) -> tuple[float, float]:
    """Return unbiased MMD^2 and its permutation p for "both samples come from one distribution".

    ``p = (1 + #{permuted >= observed}) / (1 + permutations)``; all permutations read one Gram matrix.

    References
    ----------
    Gretton et al., JMLR 2012; Phipson and Smyth, "Permutation p-values should never be zero", 2010.
    """
    pooled = np.concatenate([x, y]).astype(np.float64)
    kernel = rbf(pooled, pooled, bandwidth or median_bandwidth(pooled))
    first = (np.arange(len(pooled)) < len(x)).astype(np.float64)
    rng = np.random.default_rng(seed)
    members = np.stack([first] + [rng.permutation(first) for _ in range(permutations)], axis=1)
    values = mmd_of_gram(kernel, members, unbiased=True)
    beaten = int((values[1:] >= values[0] - 1e-12).sum())
    return float(values[0]), (1 + beaten) / (1 + permutations)


def mmd_of_gram(kernel: Array, first: Array, unbiased: bool = True) -> Array:
    """Return MMD^2 per column of ``first`` [n + m, b], 1 for rows of the first sample, from one Gram matrix."""
    if unbiased:
        kernel = kernel - np.diag(np.diag(kernel))
    second = 1 - first
    n, m = first.sum(axis=0), second.sum(axis=0)
    to_first, to_second = kernel @ first, kernel @ second
    less = 1 if unbiased else 0
    within = (first * to_first).sum(axis=0) / np.maximum(n * (n - less), 1)
    within = within + (second * to_second).sum(axis=0) / np.maximum(m * (m - less), 1)
    return within - 2 * (first * to_second).sum(axis=0) / (n * m)
