"""Nearest neighbours of many rows: exact in blocks, or among the nearest cells of a clustering."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

Array = np.ndarray
EXACT_ROWS = 10_000
BLOCK = 1024


class Neighbours(NamedTuple):
    """The k nearest rows of every query, nearest first: numbers [n, k] and distances [n, k]."""

    rows: Array
    distances: Array
    approximation: str


def nearest_rows(queries: Any, rows: Any, k: int, *, exact: bool | None = None, seed: int = 0) -> Neighbours:
    """Return the k nearest of ``rows`` [n, d] to each of ``queries`` [m, d] by Euclidean distance.

    Exact up to 10,000 rows; above, rows are put into ``sqrt(n)`` cells around centres drawn from them, and a query
    looks into the eight nearest cells, which costs ``O((n + m) sqrt(n) d)``. Distances are exact.

    Parameters
    ----------
    exact : True or False forces one of the two.

    References
    ----------
    Sivic and Zisserman, "Video Google", ICCV 2003; Jegou, Douze and Schmid, "Product Quantization for Nearest Neighbor
    Search", IEEE TPAMI 2011, section 4 (inverted file).
    """
    n = rows.shape[0]
    k = min(k, n)
    if exact or (exact is None and n <= EXACT_ROWS):
        return Neighbours(*_among(queries, rows, np.arange(n), k), "exact")
    count = int(np.sqrt(n))
    probes = min(8, count)
    centres = _centres(rows, count, seed)
    home, _ = _among(rows, centres, np.arange(count), 1)
    visited, _ = _among(queries, centres, np.arange(count), probes)
    members = [np.flatnonzero(home[:, 0] == cell) for cell in range(count)]
    found = np.full((queries.shape[0], probes * k), -1)
    distances = np.full(found.shape, np.inf)
    for cell in range(count):
        who, place = np.nonzero(visited == cell)
        inside = members[cell]
        if not len(who) or not len(inside):
            continue
        numbers, far = _among(queries[who], rows, inside, min(k, len(inside)))
        columns = place[:, None] * k + np.arange(numbers.shape[1])
        found[who[:, None], columns], distances[who[:, None], columns] = numbers, far
    first = np.argsort(distances, axis=1, kind="stable")[:, :k]
    found, distances = np.take_along_axis(found, first, 1), np.take_along_axis(distances, first, 1)
    short = np.flatnonzero(np.any(found < 0, axis=1))
    if len(short):
        found[short], distances[short] = _among(queries[short], rows, np.arange(n), k)
    return Neighbours(found, distances, f"{probes} nearest of {count} cells of {n} rows")


def _centres(rows: Any, count: int, seed: int) -> Any:
    """Draw rows as centres, the same ones in whatever order they come, and move each to the mean of its cell."""
    random = np.random.default_rng(seed)
    order = np.argsort(np.asarray(rows @ random.normal(size=rows.shape[1])), kind="stable")
    centres = rows[order[np.sort(random.choice(len(order), count, replace=False))]]
    sample = rows[order[:: max(1, len(order) // (20 * count))]]
    home, _ = _among(sample, centres, np.arange(count), 1)
    member = sparse.csr_matrix((np.ones(len(home)), (home[:, 0], np.arange(len(home)))), shape=(count, len(home)))
    size = np.asarray(member.sum(axis=1)).ravel()
    means = member @ sample
    means = means.toarray() if sparse.issparse(means) else np.asarray(means)
    still = centres.toarray() if sparse.issparse(centres) else np.asarray(centres)
    return np.where(size[:, None] > 0, means / np.maximum(size, 1)[:, None], still)


def _among(queries: Any, rows: Any, inside: Array, k: int) -> tuple[Array, Array]:
    """Return the k nearest among ``rows[inside]``, numbered as in ``rows``, and their distances."""
    part = rows if len(inside) == rows.shape[0] else rows[inside]
    squares = _squares(part)
    numbers, distances = np.empty((queries.shape[0], k), dtype=np.int64), np.empty((queries.shape[0], k))
    for start in range(0, queries.shape[0], BLOCK):
        block = queries[start : start + BLOCK]
        product = block @ part.T
        product = product.toarray() if sparse.issparse(product) else np.asarray(product)
        far = squares - 2 * product + _squares(block)[:, None]
        near = np.argpartition(far, k - 1, axis=1)[:, :k] if k < far.shape[1] else np.tile(np.arange(k), (len(far), 1))
        value = np.maximum(np.take_along_axis(far, near, 1), 0)
        order = np.argsort(value, axis=1, kind="stable")
        numbers[start : start + BLOCK] = inside[np.take_along_axis(near, order, 1)]
        distances[start : start + BLOCK] = np.sqrt(np.take_along_axis(value, order, 1))
    return numbers, distances


def _squares(rows: Any) -> Array:
    if sparse.issparse(rows):
        return np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    return np.einsum("ij,ij->i", rows, rows)
