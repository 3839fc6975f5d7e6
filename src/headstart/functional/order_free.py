"""What functions that weigh source rows share: answers free of the rows' order, one scale, folds of equal rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import numpy as np
from scipy import sparse

from headstart.functional.order import canonical_order

Array = np.ndarray
P = ParamSpec("P")


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


def same_scale(source: Array, target: Array) -> tuple[Array, Array]:
    """Bring every column of both domains to mean 0 and standard deviation 1 of the pooled rows; constants become 0."""
    pooled = np.concatenate([source, target])
    mean, spread = pooled.mean(axis=0), pooled.std(axis=0)
    scale = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(mean)), spread, 1.0)
    return (source - mean) / scale, (target - mean) / scale
