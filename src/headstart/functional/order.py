"""Rows in an order that depends on their content alone: chance and rounding then never depend on the table's order."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import numpy as np
from scipy import sparse

Array = np.ndarray
P = ParamSpec("P")


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


def projected_order(rows: Any, seed: int = 0) -> Array:
    """Return row numbers sorted by a fixed random projection: an order that does not depend on the rows' own."""
    return np.argsort(np.asarray(rows @ np.random.default_rng(seed).normal(size=rows.shape[1])), kind="stable")


def order_free(function: Callable[P, Array]) -> Callable[P, Array]:
    """Let ``function(source, target, *, labels=None, ...) -> [n]`` see rows in canonical order, checked and dense.

    Its answer is put back in the source's order: permuting rows permutes the answer, bit for bit.

    Raises
    ------
    ValueError : when the domains' shapes do not fit each other, or the labels do not fit the source.
    """

    @wraps(function)
    def ordered(source: Any, target: Any, *, labels: Any = None, **options: Any) -> Array:
        source, target = _rows(source, "source"), _rows(target, "target")
        if source.shape[1] != target.shape[1]:
            raise ValueError(
                f"source has {source.shape[1]} columns and target has {target.shape[1]}; the same columns are expected."
            )
        if labels is not None and np.shape(labels) != (len(source),):
            raise ValueError(f"labels has shape {np.shape(labels)}; expected one per source row, ({len(source)},).")
        labels = None if labels is None else np.asarray(labels)
        first, second = canonical_order(source, labels), canonical_order(target)
        out = np.empty(len(source))
        sorted_labels = None if labels is None else labels[first]
        out[first] = function(source[first], target[second], labels=sorted_labels, **options)  # pyright: ignore
        return out

    return ordered  # pyright: ignore[reportReturnType]


def _rows(rows: Any, name: str) -> Array:
    rows = np.asarray(rows.toarray() if sparse.issparse(rows) else rows, dtype=np.float64)
    if rows.ndim != 2 or len(rows) == 0:
        raise ValueError(f"{name} has shape {rows.shape}; at least one row of numbers, [n, d], is expected.")
    if not np.isfinite(rows).all():
        raise ValueError(f"Row {int(np.argwhere(~np.isfinite(rows))[0][0])} of {name} holds NaN or infinity.")
    return rows


def same_scale(source: Array, target: Array) -> tuple[Array, Array]:
    """Bring every column of both domains to mean 0 and standard deviation 1 of the pooled rows; constants become 0."""
    pooled = np.concatenate([source, target])
    mean, spread = pooled.mean(axis=0), pooled.std(axis=0)
    scale = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(mean)), spread, 1.0)
    return (source - mean) / scale, (target - mean) / scale


def content_folds(
    source: Array, target: Array, *, labels: Array | None = None, n_folds: int = 5, seed: int = 0
) -> tuple[Array, Array]:
    """Deal rows of two domains into folds, [n] and [m]; equal rows share a fold, whichever domain they are in.

    A row that stands in both domains is then never predicted by a model that has seen its twin, and two identical
    domains get identical predictions. Labels of the source, when given, are spread evenly over the folds.
    """
    n = len(source)
    _, first, group = np.unique(np.concatenate([source, target]), axis=0, return_index=True, return_inverse=True)
    group = group.ravel()
    kind = np.full(n + len(target), -1) if labels is None else np.append(labels, np.full(len(target), -1))
    if labels is None:
        kind[:n] = 0
    shuffled = np.random.default_rng(seed).permutation(len(first))
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.lexsort((shuffled, kind[first]))] = np.arange(len(first))
    folds = (rank % n_folds)[group]
    return folds[:n], folds[n:]
