"""What functions that weigh source rows share: answers free of the rows' order, one scale, folds of equal rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ParamSpec, overload

import numpy as np
from scipy import sparse

from headstart.functional.order import canonical_order
from headstart.functional.scale import location_scale

Array = np.ndarray
P = ParamSpec("P")


@overload
def order_free(function: Callable[P, Array]) -> Callable[P, Array]: ...
@overload
def order_free(*, as_sparse: bool) -> Callable[[Callable[P, Array]], Callable[P, Array]]: ...
def order_free(function: Any = None, *, as_sparse: bool = False) -> Any:
    """Let ``function(source, target, *, labels=None, ...) -> [n]`` see rows in canonical order, checked.

    Its answer is put back in the source's order: permuting rows permutes the answer, bit for bit.

    Parameters
    ----------
    as_sparse : whether CSR rows stay CSR; the function then says ``sparse_input``. Without it they are made dense.

    Raises
    ------
    ValueError : when the domains' shapes do not fit each other, or the labels do not fit the source.
    """
    if function is None:
        return partial(order_free, as_sparse=as_sparse)

    @wraps(function)
    def ordered(source: Any, target: Any, *, labels: Any = None, **options: Any) -> Array:
        source, target = (_rows(*side, as_sparse=as_sparse) for side in ((source, "source"), (target, "target")))
        n = source.shape[0]
        if source.shape[1] != target.shape[1]:
            raise ValueError(
                f"source has {source.shape[1]} columns and target has {target.shape[1]}; the same columns are expected."
            )
        if labels is not None and np.shape(labels) != (n,):
            raise ValueError(f"labels has shape {np.shape(labels)}; expected one per source row, ({n},).")
        labels = None if labels is None else np.asarray(labels)
        first, second = canonical_order(source, labels), canonical_order(target)
        out = np.empty(n)
        sorted_labels = None if labels is None else labels[first]
        out[first] = function(source[first], target[second], labels=sorted_labels, **options)
        return out

    ordered.sparse_input = as_sparse  # type: ignore[attr-defined]
    return ordered


def _rows(rows: Any, name: str, *, as_sparse: bool) -> Any:
    if as_sparse and sparse.issparse(rows):
        rows = sparse.csr_matrix(rows, dtype=np.float64)
        finite = np.isfinite(rows.data)
        row = 0 if finite.all() else int(np.searchsorted(rows.indptr, (~finite).argmax(), side="right")) - 1
    else:
        rows = np.asarray(rows.toarray() if sparse.issparse(rows) else rows, dtype=np.float64)
        finite = np.isfinite(rows)
        row = 0 if finite.all() else int(np.argwhere(~finite)[0][0])
    if rows.ndim != 2 or rows.shape[0] == 0:
        raise ValueError(f"{name} has shape {rows.shape}; at least one row of numbers, [n, d], is expected.")
    if not finite.all():
        raise ValueError(f"Row {row} of {name} holds NaN or infinity.")
    return rows


def pooled(source: Any, target: Any) -> Any:
    """Return the rows of both domains, dense or CSR, the source's first."""
    if sparse.issparse(source) or sparse.issparse(target):
        return sparse.csr_matrix(sparse.vstack([source, target]))
    return np.concatenate([source, target])


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


def same_scale(source: Any, target: Any) -> tuple[Any, Any]:
    """Bring every column of both domains to mean 0 and standard deviation 1 of the pooled rows; constants become 0.

    CSR rows are scaled and not centred: nothing that reads their distances alone can tell.
    """
    rows = pooled(source, target)
    if sparse.issparse(rows):
        mean, spread = location_scale(rows)
    else:
        mean, spread = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(mean)), spread, 1.0)
    if sparse.issparse(rows):
        by = sparse.diags_array(1 / scale)
        return sparse.csr_matrix(source @ by), sparse.csr_matrix(target @ by)
    return (source - mean) / scale, (target - mean) / scale
