"""Rows in an order that depends on their content alone: chance and rounding then never depend on the table's order."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

Array = np.ndarray


def canonical_order(rows: Any, labels: Array | None = None) -> Array:
    """Return positions [n] that sort rows [n, d] by a fixed projection, then by column, then by label.

    Permuted rows come out in the same order; rows that stay tied are equal. CSR rows are not sorted by column.
    """
    direction = np.random.default_rng(0).standard_normal(rows.shape[1])
    last = () if labels is None else (labels,)
    if sparse.issparse(rows):
        return np.lexsort((*last, rows @ direction))
    key = (np.ascontiguousarray(rows) * direction).sum(axis=1)  # summed row by row: a row's key is always the same
    order = np.argsort(key, kind="stable")
    if (np.diff(key[order]) > 0).all():
        return order
    return np.lexsort((*last, *rows.T[::-1], key))
