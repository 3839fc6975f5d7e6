"""How often a sample's partner is among the nearest of the other side."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
CHUNK = 512


def places(queries: Array, answers: Array, right: Array) -> Array:
    """Return the place, from 1, of each query's first right answer, by cosine [n].

    Wrong answers that are as near stand before it, so that a constant is the worst.

    Parameters
    ----------
    queries, answers : [n, d] and [m, d]; not normalised. right : whether an answer is right for a query [n, m].
    """
    shown, found = _unit(answers), np.empty(len(queries), dtype=np.int64)
    for start in range(0, len(queries), CHUNK):
        part = slice(start, start + CHUNK)
        cosines = _unit(queries[part]) @ shown.T
        best = np.where(right[part], cosines, -np.inf).max(axis=1)
        found[part] = 1 + ((cosines >= best[:, None]) & ~right[part]).sum(axis=1)
    return found


def _unit(x: Array) -> Array:
    x = np.asarray(x, dtype=np.float64)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
