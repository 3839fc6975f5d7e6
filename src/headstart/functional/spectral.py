"""Principal axes of rows, dense or sparse, and powers of their covariance, without a d x d matrix where d is large."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import eigh

from headstart.functional.reuse import reused

Array = np.ndarray
SIZE_LIMIT = 2000  # of min(n, d): up to it all axes are found exactly, above it the leading ones by iteration
LEADING = 300


class Axes(NamedTuple):
    """What rows vary along.

    Attributes
    ----------
    mean : [d]. axes : [d, r], orthonormal columns by falling variance. variances : [r].
    rest : variance per direction outside the axes; 0 where they are all there are.
    exact : whether no axis with a variance was left out but those not asked for.
    """

    mean: Array
    axes: Array
    variances: Array
    rest: float
    exact: bool

    def project(self, rows: Any) -> Array:
        """Return centred rows on the axes, [n, r]."""
        return np.asarray(rows @ self.axes) - self.mean @ self.axes


@reused
def principal_axes(
    rows: Any,
    n_components: int | None = None,
    *,
    centred: bool = True,
    limit: int = SIZE_LIMIT,
    leading: int = LEADING,
    seed: int = 0,
) -> Axes:
    """Return the principal axes of rows [n, d], dense or CSR: the one PCA of this package.

    The eigenvectors of the smaller of the d x d covariance and the n x n Gram matrix. When both are larger than
    ``limit``, the ``leading`` axes by subspace iteration from a seeded random start; the variance outside them is
    taken to be spread evenly (`Axes.rest`).

    Parameters
    ----------
    n_components : number of axes that are wanted; as many as the rank where that is smaller; None for all.
    centred : whether the mean is taken out first; else the axes are the right singular vectors of the rows as they are.

    Raises
    ------
    ValueError : axes are wanted and the rows are all alike.

    References
    ----------
    Halko, Martinsson and Tropp, "Finding Structure with Randomness", SIAM Review 2011, algorithm 4.4; Tipping and
    Bishop, "Probabilistic Principal Component Analysis", JRSS B 1999 (the variance outside).
    """
    n, d = rows.shape
    mean = np.asarray(rows.mean(axis=0)).ravel() if centred else np.zeros(d)
    freedom = max(n - 1, 1)
    exact = min(n, d) <= limit
    if exact:
        variances, axes = _exact_axes(rows, mean, freedom, n_components)
    else:
        count = leading if n_components is None else n_components
        variances, axes = _leading_axes(rows, mean, freedom, min(count, n, d), seed)
    keep = variances > max(float(variances.max(initial=0.0)), 1e-300) * 1e-11
    if n_components is not None and not keep.any():
        raise ValueError(f"Principal axes need two different rows, but these are no more than one sample ({n} times).")
    axes, variances = axes[:, keep][:, :n_components], variances[keep][:n_components]
    rest = 0.0 if exact else max(_total(rows, mean, freedom) - float(variances.sum()), 0.0) / max(d - len(variances), 1)
    return Axes(mean, _with_fixed_signs(axes), variances, rest, exact)


def _exact_axes(rows: Any, mean: Array, freedom: int, count: int | None) -> tuple[Array, Array]:
    n, d = rows.shape
    if not sparse.issparse(rows):
        rows, mean = rows - mean, np.zeros(d)
    if d <= n:
        covariance = (dense_product(rows.T, rows) - n * np.outer(mean, mean)) / freedom
        return _largest(covariance, count)
    gram = dense_product(rows, rows.T)
    across = np.asarray(rows @ mean).ravel()
    gram = gram - across[:, None] - across + mean @ mean
    squares, vectors = _largest(gram, count)
    keep = squares > max(squares[0], 1e-300) * 1e-11
    squares, vectors = squares[keep], vectors[:, keep]
    axes = (np.asarray(rows.T @ vectors) - np.outer(mean, vectors.sum(axis=0))) / np.sqrt(squares)
    return squares / freedom, axes


def _largest(matrix: Array, count: int | None) -> tuple[Array, Array]:
    """Return the eigenvalues, falling, and vectors of a symmetric matrix; the first ``count`` where they are few."""
    size = len(matrix)
    if count is None or 4 * count > size:
        values, vectors = np.linalg.eigh(matrix)
    else:
        values, vectors = eigh(matrix, subset_by_index=(size - count, size - 1))
    return values[::-1], vectors[:, ::-1]


def _leading_axes(rows: Any, mean: Array, freedom: int, count: int, seed: int) -> tuple[Array, Array]:
    size = min(count + max(10, count // 10), *rows.shape)
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((rows.shape[1], size)))[0]
    for _ in range(4):
        seen = np.asarray(rows @ basis) - mean @ basis
        basis = np.linalg.qr(np.asarray(rows.T @ seen) - np.outer(mean, seen.sum(axis=0)))[0]
    seen = np.asarray(rows @ basis) - mean @ basis
    variances, turn = np.linalg.eigh(seen.T @ seen / freedom)
    return variances[::-1][:count], (basis @ turn[:, ::-1])[:, :count]


def _total(rows: Any, mean: Array, freedom: int) -> float:
    squares = rows.multiply(rows).sum() if sparse.issparse(rows) else np.square(rows).sum()
    return max(float(squares) - rows.shape[0] * float(mean @ mean), 0.0) / freedom


def _with_fixed_signs(axes: Array) -> Array:
    """Turn each axis to one side of a fixed direction, so that the order of rows cannot flip it."""
    side = np.sin(1.0 + np.arange(len(axes)) ** 1.5) @ axes
    return axes * np.where(side < 0, -1.0, 1.0)


def dense_product(first: Any, second: Any) -> Array:
    """Return ``first @ second`` as a dense array."""
    product = first @ second
    return product.toarray() if sparse.issparse(product) else np.asarray(product)


def times_covariance_power(rows: Array, axes: Axes, power: float, ridge: float = 0.0) -> Array:
    """Return ``rows @ (C + ridge I)^power`` for rows [n, d] and C the covariance that ``axes`` describe.

    ``c^power I + U diag((v + ridge)^power - c^power) U'`` with c = rest + ridge; where c is 0, directions outside the
    axes go to 0, which is the pseudo-inverse's way.
    """
    outside, inside = _power(axes, power, ridge)
    return outside * rows + ((rows @ axes.axes) * inside) @ axes.axes.T


def _power(axes: Axes, power: float, ridge: float) -> tuple[float, Array]:
    """Return the factor of all directions, and what the axes have beyond it [r]."""
    outside = (axes.rest + ridge) ** power if axes.rest + ridge > 0 else 0.0
    return outside, (axes.variances + ridge) ** power - outside


@reused
def match_covariance(rows: Any, source: Axes, target: Axes, regularisation: float = 1.0) -> Array:
    """Return source rows [n, d] with the target's mean and covariance: CORAL's map.

    ``(x - m_s) (C_s + l I)^{-1/2} (C_t + l I)^{1/2} + m_t``, where l is ``regularisation`` times the mean variance of
    a feature in the two domains.

    References
    ----------
    Sun, Feng and Saenko, "Return of Frustratingly Easy Domain Adaptation", AAAI 2016, algorithm 1.
    """
    ridge = regularisation * (mean_variance(source) + mean_variance(target)) / 2
    if sparse.issparse(rows):
        return _match_sparse(rows, source, target, ridge)
    white = times_covariance_power(rows - source.mean, source, -0.5, ridge)
    return times_covariance_power(white, target, 0.5, ridge) + target.mean


def _match_sparse(rows: Any, source: Axes, target: Axes, ridge: float) -> Array:
    """As `match_covariance`, with the rows' products taken while they are sparse: half the dense ones."""
    (outer, inner), (last, second) = _power(source, -0.5, ridge), _power(target, 0.5, ridge)
    inside = source.project(rows) * inner
    across = outer * (np.asarray(rows @ target.axes) - source.mean @ target.axes)
    across += inside @ (source.axes.T @ target.axes)
    white = inside @ source.axes.T
    white += outer * (rows.toarray() - source.mean)
    white *= last
    white += (across * second) @ target.axes.T
    white += target.mean
    return white


def mean_variance(axes: Axes) -> float:
    """Return the mean variance of a feature."""
    d, r = axes.axes.shape
    return (float(axes.variances.sum()) + (d - r) * axes.rest) / d
