"""Entropic optimal transport by Sinkhorn's scaling: a potential per column, and the plan that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
FAR = 25.0  # a logarithm of scalings from which they move into the kernel


class Potential(NamedTuple):
    """The column potential g [m] of an entropic plan, the iterations it took and how far the columns are off.

    The plan is ``P_ij = a_i softmax_j((g_j - C_ij) / reg)``: its rows are exact, its columns within ``violation``
    (the sum of ``|sum_i P_ij - b_j|``).
    """

    values: Array
    iterations: int
    violation: float


def slabs(n: int, m: int, *, entries: int = 2_000_000) -> Iterator[slice]:
    """Cut n rows of m columns into slices of about ``entries`` numbers."""
    step = max(1, entries // max(m, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def sinkhorn(
    cost: Any,
    reg: float,
    *,
    a: Array | None = None,
    b: Array | None = None,
    start: Array | None = None,
    tolerance: float = 1e-6,
    max_iter: int = 1000,
) -> Potential:
    """Solve ``min_P <C, P> + reg sum_ij P_ij (log P_ij - 1)`` with ``P 1 = a`` and ``P' 1 = b``.

    Scalings ``u = a / (K v)`` and ``v = b / (K' u)`` of ``K = exp((g - C) / reg)``, whose rows are brought to a
    largest entry of 1, so that no row vanishes however small ``reg`` is; scalings that grow are absorbed into g. Only
    K is kept, in the dtype of the cost, and each iteration reads it once.

    Parameters
    ----------
    cost : [n, m], an array or anything with ``shape``, ``dtype`` and slices of rows.
    reg : > 0, in the unit of the cost.
    a, b : [n] and [m] masses above 0 that sum to the same; None for uniform ones of sum 1.
    start : [m], the potential to begin with.
    tolerance : of the columns' summed violation.

    References
    ----------
    Cuturi, "Sinkhorn Distances: Lightspeed Computation of Optimal Transport", NeurIPS 2013, algorithm 1.
    Schmitzer, "Stabilized Sparse Scaling Algorithms for Entropy Regularized Transport Problems", SIAM Journal on
    Scientific Computing 2019, section 3 (absorption).
    """
    n, m = cost.shape
    a = np.full(n, 1 / n) if a is None else a
    b = np.full(m, 1 / m) if b is None else b
    z = np.zeros(m) if start is None else np.asarray(start, dtype=np.float64) / reg
    kernel, shift = np.empty((n, m), dtype=cost.dtype), np.empty(n)
    absorbed = np.full(m, np.nan)
    memory, violation, iterations = Anderson(), np.inf, 0
    while iterations < max_iter:
        iterations += 1
        if not np.abs(z - absorbed).max() <= FAR:
            absorbed = z = z - z.max()
            _fill(kernel, shift, cost, reg * absorbed, reg)
        v = np.exp(z - absorbed)
        reached, sums = _sweep(kernel, v, a)
        violation = float(np.abs(v * reached - b).sum())
        if violation <= tolerance:
            break
        dual = float(b @ z - a @ (np.log(sums) + shift))
        z = memory.step(z, np.log(b) - np.log(np.maximum(v * reached, 1e-37)), dual)
    return Potential(reg * z, iterations, violation)


class Anderson:
    """Extrapolates the steps of a fixed-point iteration from the last few (type II).

    A point that lowers the objective, which plain steps never do, is undone by the plain step it replaced; a few plain
    steps follow.

    References
    ----------
    Walker and Ni, "Anderson Acceleration for Fixed-Point Iterations", SIAM Journal on Numerical Analysis 2011.
    """

    def __init__(self, depth: int = 6, warm: int = 5) -> None:
        self.depth, self.warm = depth, warm
        self.points: list[Array] = []
        self.steps: list[Array] = []
        self.wait, self.best = warm, -np.inf
        self.plain: Array | None = None

    def step(self, point: Array, step: Array, objective: float) -> Array:
        """Return the next point; ``step`` is what the plain iteration would add, ``objective`` the point's, to rise."""
        if self.plain is not None and objective < self.best - 1e-7 * abs(self.best):
            plain, self.plain = self.plain, None
            self.points, self.steps, self.wait = [], [], self.warm
            return plain
        self.best, self.plain = objective, None
        if self.wait > 0:
            self.wait -= 1
            return point + step
        self.points, self.steps = [*self.points, point][-self.depth :], [*self.steps, step][-self.depth :]
        if len(self.points) < 2:
            return point + step
        moves, changes = np.diff(self.points, axis=0), np.diff(self.steps, axis=0)
        gram = changes @ changes.T
        gram[np.diag_indices_from(gram)] += 1e-10 * max(float(np.trace(gram)), 1e-300)
        mix = np.linalg.solve(gram, changes @ step)
        self.plain = point + step
        return self.plain - mix @ (moves + changes)


def _fill(kernel: Array, shift: Array, cost: Any, g: Array, reg: float) -> None:
    """Write ``exp((g - C) / reg - shift)``, each row's shift being its largest exponent."""
    narrow = g.astype(kernel.dtype)
    for rows in slabs(*kernel.shape):
        part = kernel[rows]
        np.subtract(narrow, cost[rows], out=part)
        part /= reg
        shift[rows] = part.max(axis=1)
        part -= shift[rows, None].astype(part.dtype)
        np.exp(part, out=part)


def _sweep(kernel: Array, v: Array, a: Array) -> tuple[Array, Array]:
    """Return ``K' (a / (K v))`` and ``K v`` in one pass: a slab is multiplied from both sides while it is cached."""
    narrow = v.astype(kernel.dtype)
    reached, sums = np.zeros(kernel.shape[1]), np.empty(kernel.shape[0])
    for rows in slabs(*kernel.shape, entries=131_072):
        part = kernel[rows]
        sums[rows] = np.maximum(part @ narrow, 1e-37)
        reached += (a[rows] / sums[rows]).astype(kernel.dtype) @ part
    return reached, sums


def row_shares(cost: Array, potential: Array, reg: float) -> Array:
    """Return ``softmax_j((g_j - C_ij) / reg)``, [n, m]: where each row's mass goes; also of rows not fitted on.

    References
    ----------
    Pooladian and Niles-Weed, "Entropic estimation of optimal transport maps", 2021, equation 1.
    """
    shares = potential.astype(cost.dtype) - cost
    shares /= reg
    shares -= shares.max(axis=1, keepdims=True)
    np.exp(shares, out=shares)
    shares /= shares.sum(axis=1, keepdims=True)
    return shares
