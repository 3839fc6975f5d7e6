"""Where rows lie and how far they spread, column by column."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

Array = np.ndarray


def location_scale(rows: Any, *, each: bool = True) -> tuple[Array, Array]:
    """Return the mean [d] and the standard deviation [d] of rows, dense or CSR; 1 for a constant feature.

    With ``each`` False, all features take the root of the mean variance.
    """
    mean, spread = np.asarray(rows.mean(axis=0)).ravel(), column_deviations(rows)
    if not each:
        spread = np.full(len(mean), np.sqrt(np.mean(spread**2)))
    return mean, np.where(spread > 1e-9 * np.maximum(np.abs(mean), 1e-300), spread, 1.0)


def column_deviations(rows: Any) -> Array:
    """Return the standard deviation [d] of every column of rows, dense or CSR."""
    if not sparse.issparse(rows):
        return rows.std(axis=0)
    rows = sparse.csr_matrix(rows)
    n, d = rows.shape
    mean = np.asarray(rows.mean(axis=0)).ravel()
    apart = np.bincount(rows.indices, np.square(rows.data - mean[rows.indices]), minlength=d)
    empty = n - np.bincount(rows.indices, minlength=d)
    return np.sqrt((apart + empty * mean**2) / n)  # about the mean, so that a constant column has none at all


def in_units(rows: Any, mean: Array, scale: Array) -> Any:
    """Return ``(x - mean) / scale``; CSR rows stay sparse where the mean is 0."""
    if sparse.issparse(rows) and not mean.any():
        return sparse.csr_matrix(rows @ sparse.diags_array(1 / scale))
    return ((rows.toarray() if sparse.issparse(rows) else rows) - mean) / scale


def without_dead(features: Array, least: float = 1e-6) -> Array:
    """Return a network's features [n, d] in which those that hardly vary, beside the others, do not vary at all.

    A feature that its last normalisation turns down to the noise of rounding would get a weight of a million where
    features are standardised; the first step of fine-tuning turns it up again, and the answers with it.

    Parameters
    ----------
    least : share of the root of the mean variance of all features.

    Examples
    --------
    >>> without_dead(np.array([[0.0, 1e-9], [1.0, 3e-9]])).tolist()
    [[0.0, 2e-09], [1.0, 2e-09]]
    """
    spread = column_deviations(features)
    dead = spread <= least * np.sqrt(np.mean(spread**2))
    return np.where(dead, features.mean(axis=0), features) if dead.any() else features


def n_different(rows: Any) -> int:
    """Return how many different rows there are, dense or CSR."""
    if not sparse.issparse(rows):
        return len(np.unique(rows, axis=0))
    rows = sparse.csr_matrix(rows, copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    ends = list(zip(rows.indptr[:-1], rows.indptr[1:], strict=True))
    return len({(rows.indices[a:b].tobytes(), rows.data[a:b].tobytes()) for a, b in ends})
