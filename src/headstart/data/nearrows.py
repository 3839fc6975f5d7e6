"""Rows of a table that are equal but for tiny differences, in time that is linear in their number, up to sorting."""

from __future__ import annotations

import numpy as np

from headstart.data.arrow import Columns

_GRID = {2: 1e-6, 3: 1e-4}
_FINE = 1e-3
_DISTINCT = 0.25


def near_rows(columns: Columns, rows: np.ndarray) -> np.ndarray | None:
    """Return a group number per row [n]: near duplicates share it; None where too few columns tell chance apart.

    Rows are near if all categories are equal, whatever their case and blanks, and all numbers fall into the same cells
    of a grid of 1e-3 standard deviations, or into those of the grid moved by half a cell. Three columns of mostly
    different numbers need a grid of 1e-4, two 1e-6; with fewer, rows are near by chance, and none is called so.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    table = columns.take(rows)
    numbers = [table.column(f.name).to_numpy() for f in table.schema if f.type == "double"]
    telling = _telling(numbers, len(rows))
    if telling < 2 or len(rows) < 2:
        return None
    words = [_codes(table.column(f.name).to_pylist()) for f in table.schema if f.type != "double"]
    scaled = [_scaled(values) / _GRID.get(telling, _FINE) for values in numbers]
    n, edges = len(rows), []
    for shift in (0.0, 0.5):
        group = _joined([*words, *(np.floor(values + shift) for values in scaled)])
        order = np.argsort(group, kind="stable")
        same = group[order][1:] == group[order][:-1]
        edges.append((order[:-1][same], order[1:][same]))
    left, right = (np.concatenate(part) for part in zip(*edges, strict=True))
    graph = coo_matrix((np.ones(len(left), bool), (left, right)), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def _telling(numbers: list[np.ndarray], n: int) -> int:
    """Count columns of mostly different numbers, up to four."""
    found = 0
    for values in numbers:
        found += len(np.unique(values)) > _DISTINCT * n
        if found == 4:
            break
    return found


def _codes(values: list[str | None]) -> np.ndarray:
    folded = ["" if value is None else "".join(value.casefold().split()) for value in values]
    return np.unique(folded, return_inverse=True)[1].astype(np.float64)


def _scaled(values: np.ndarray) -> np.ndarray:
    """Standardise; missing values lie far from all others."""
    known = values[np.isfinite(values)]
    spread = float(known.std()) if len(known) else 0.0
    standard = (values - (known.mean() if len(known) else 0.0)) / (spread or 1.0)
    return np.where(np.isfinite(standard), standard, -1e6).clip(-1e9, 1e9)


def _joined(columns: list[np.ndarray]) -> np.ndarray:
    """Return a 64-bit hash per row, of whole numbers."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    for values in columns:
        mixed = (mixed ^ values.astype(np.int64).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed
