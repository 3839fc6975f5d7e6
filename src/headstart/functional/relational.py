"""Relations among samples: distances and angles, and a loss between two samples' relations with its slope."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

Array = np.ndarray
TINY = 1e-9


class Relations(NamedTuple):
    """Which samples are compared: pairs [p, 2], and triples [t, 3] whose angle stands at the middle one."""

    pairs: Array
    triples: Array


def draw_relations(n: int, count: int, seed: int = 0) -> Relations:
    """Return at most ``count`` different pairs, and as many triples of different samples, drawn from n >= 2."""
    random = np.random.default_rng(seed)
    if n * (n - 1) // 2 <= count:
        pairs = np.column_stack(np.triu_indices(n, 1))
    else:
        first = random.integers(n, size=count)
        pairs = np.column_stack([first, (first + random.integers(1, n, size=count)) % n])
    triples = random.integers(n, size=(count if n > 2 else 0, 3))
    different = (triples[:, 0] != triples[:, 1]) & (triples[:, 1] != triples[:, 2]) & (triples[:, 0] != triples[:, 2])
    return Relations(pairs, triples[different])


def relational_loss(
    embedding: Array, teacher: Array, relations: Relations, *, angles: float = 2.0
) -> tuple[float, Array]:
    """Return how far the relations of ``embedding`` [n, q] are from the teacher's [n, r], and the slope [n, q].

    ``mean_pairs h(d_ij / mean d - d'_ij / mean d') + angles * mean_triples h(cos_ijk - cos'_ijk)`` with the Huber loss
    h of width 1. Neither a rotation, nor a shift, nor a scale of either side changes it.

    References
    ----------
    Park, Kim, Lu and Cho, "Relational Knowledge Distillation", CVPR 2019, equations 5 to 10.
    """
    value, slope = _distances(embedding, teacher, relations.pairs)
    if angles and len(relations.triples):
        more, also = _angles(embedding, teacher, relations.triples)
        value, slope = value + angles * more, slope + angles * also
    return value, slope


def _huber(gap: Array) -> tuple[float, Array]:
    small = np.abs(gap) <= 1
    return float(np.where(small, gap**2 / 2, np.abs(gap) - 0.5).mean()), np.clip(gap, -1, 1) / len(gap)


def _gather(numbers: Array, slopes: Array, n: int) -> Array:
    """Add up slopes [p, q] by sample."""
    place = sparse.csr_matrix((np.ones(len(numbers)), (numbers, np.arange(len(numbers)))), shape=(n, len(numbers)))
    return place @ slopes


def _lengths(x: Array, pairs: Array) -> tuple[Array, Array]:
    apart = x[pairs[:, 0]] - x[pairs[:, 1]]
    return apart, np.sqrt((apart**2).sum(axis=1) + TINY**2)


def _distances(x: Array, teacher: Array, pairs: Array) -> tuple[float, Array]:
    apart, length = _lengths(x, pairs)
    wanted = _lengths(teacher, pairs)[1]
    mean = length.mean()
    value, slope = _huber(length / mean - wanted / wanted.mean())
    along = slope / mean - (slope @ length) / (mean**2 * len(pairs))
    pull = (along / length)[:, None] * apart
    return value, _gather(pairs[:, 0], pull, len(x)) - _gather(pairs[:, 1], pull, len(x))


def _angles(x: Array, teacher: Array, triples: Array) -> tuple[float, Array]:
    cosine, first, second, a, b = _cosines(x, triples)
    value, slope = _huber(cosine - _cosines(teacher, triples)[0])
    to_first = (slope / a)[:, None] * (second - cosine[:, None] * first)
    to_second = (slope / b)[:, None] * (first - cosine[:, None] * second)
    n = len(x)
    ends = _gather(triples[:, 0], to_first, n) + _gather(triples[:, 2], to_second, n)
    return value, ends - _gather(triples[:, 1], to_first + to_second, n)


def _cosines(x: Array, triples: Array) -> tuple[Array, Array, Array, Array, Array]:
    first, a = _lengths(x, triples[:, [0, 1]])
    second, b = _lengths(x, triples[:, [2, 1]])
    first, second = first / a[:, None], second / b[:, None]
    return (first * second).sum(axis=1), first, second, a, b
