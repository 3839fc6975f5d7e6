"""Sparse rows less a dense one, which is never subtracted, so that they stay sparse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from headstart.functional.scale import column_deviations

Array = np.ndarray


@dataclass(frozen=True)
class Offset:
    """``rows_i - centre`` for CSR rows [n, d] and a dense centre [d]."""

    rows: Any
    centre: Array

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows.shape

    def __getitem__(self, which: Any) -> Offset:
        return Offset(self.rows[which], self.centre)

    def astype(self, dtype: Any) -> Offset:
        return Offset(self.rows.astype(dtype), self.centre.astype(dtype))


def less(rows: Any, centre: Array, unit: float) -> Any:
    """Return ``(rows - centre) / unit``, of CSR rows as an `Offset`."""
    if sparse.issparse(rows):
        return Offset(sparse.csr_matrix(rows / unit), centre / unit)
    return (rows - centre) / unit


def squares(x: Any) -> Array:
    """Return the squared lengths [n] of rows, dense or an `Offset`."""
    if not isinstance(x, Offset):
        return np.square(x).sum(axis=1)
    own = np.asarray(x.rows.multiply(x.rows).sum(axis=1)).ravel()
    return own - 2 * (x.rows @ x.centre) + x.centre @ x.centre


def products(x: Any, y: Any) -> Array:
    """Return the inner products [n, m] of rows, both dense or both an `Offset`."""
    if not isinstance(x, Offset):
        return x @ y.T
    found = (x.rows @ y.rows.T).toarray()
    found -= (x.rows @ y.centre)[:, None]
    found -= y.rows @ x.centre
    found += x.centre @ y.centre
    return found


def moments(rows: Any) -> tuple[Array, float, float]:
    """Return the mean [d], the sum of the variances and the sum of the mean squares of rows, dense or CSR."""
    if not sparse.issparse(rows):
        return rows.mean(axis=0), float(rows.var(axis=0).sum()), float(np.square(rows).mean(axis=0).sum())
    mean = np.asarray(rows.mean(axis=0)).ravel()
    size = float(rows.multiply(rows).sum()) / rows.shape[0]
    return mean, float(np.square(column_deviations(rows)).sum()), size
