"""Convex quadratic programs over a box whose sum is bounded, with a certificate of how good the answer is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Box(NamedTuple):
    """``{x : 0 <= x <= upper, low <= sum x <= high}``; ``upper`` [n]."""

    upper: Array
    low: float
    high: float


class Program(NamedTuple):
    """``1/2 x' A x - b' x``: ``times(x) = A x``, b [n], and a bound of A's largest eigenvalue."""

    times: Callable[[Array], Array]
    linear: Array
    lipschitz: float


class Minimum(NamedTuple):
    """A point of the box, its value, and how far at most that value is above the least one."""

    point: Array
    value: float
    gap: float
    iterations: int


def project(x: Array, box: Box) -> Array:
    """Return the point of the box nearest to x [n]: ``clip(x - t, 0, upper)`` with the one t that fits the sum.

    The clipped sum falls along t in straight pieces; each Newton step solves its piece, and bisection keeps it within
    the bracket.
    """
    clipped = np.clip(x, 0, box.upper)
    total = clipped.sum()
    if box.low <= total <= box.high:
        return clipped
    wanted = box.low if total < box.low else box.high
    left, right = float((x - box.upper).min()), float(x.max())
    shift = 0.0
    for _ in range(100):
        excess = np.clip(x - shift, 0, box.upper).sum() - wanted
        if abs(excess) <= 1e-12 * max(1.0, wanted):
            break
        left, right = (shift, right) if excess > 0 else (left, shift)
        free = ((x > shift) & (x < shift + box.upper)).sum()
        newton = shift + excess / free if free else np.inf
        shift = newton if left < newton < right else (left + right) / 2
    return np.clip(x - shift, 0, box.upper)


def least_linear(slope: Array, box: Box) -> float:
    """Return ``min slope' x`` over the box: fill the cheapest entries first."""
    order = np.argsort(slope)
    before = np.concatenate([[0.0], np.cumsum(box.upper[order])])[:-1]
    must = np.clip(box.low - before, 0, box.upper[order])
    may = np.clip(box.high - before, 0, box.upper[order])
    return float(np.where(slope[order] < 0, may, must) @ slope[order])


def minimise(program: Program, box: Box, start: Array, *, tolerance: float, max_iterations: int = 5000) -> Minimum:
    """Minimise a convex quadratic over a box by accelerated projected gradients with restarts.

    For a convex f, ``f(x) - min f <= max_{s in box} f'(x)'(x - s)``, a linear program in closed form: that is ``gap``.
    The solver ends when the gap is at most ``tolerance`` times what was gained over ``start``, or nothing beside the
    size of the objective's terms.

    References
    ----------
    Beck and Teboulle, "A Fast Iterative Shrinkage-Thresholding Algorithm", SIAM Journal on Imaging Sciences 2009.
    O'Donoghue and Candes, "Adaptive Restart for Accelerated Gradient Schemes", Foundations of Computational
    Mathematics 2015. Jaggi, "Revisiting Frank-Wolfe", ICML 2013 (the certificate).
    """
    x = ahead = project(start, box)
    product = ahead_product = program.times(x)
    first = _value(program, x, product)
    floor = 1e-12 * float(np.abs(program.linear) @ np.abs(x))
    momentum, gap, iteration = 1.0, np.inf, 0
    for iteration in range(max_iterations + 1):
        if iteration % 10 == 0 or iteration == max_iterations:
            slope = product - program.linear
            gap = max(float(slope @ x) - least_linear(slope, box), 0.0)
            if gap <= max(tolerance * (first - _value(program, x, product)), floor):
                break
        step = project(ahead - (ahead_product - program.linear) / program.lipschitz, box)
        stepped = program.times(step)
        if (ahead - step) @ (step - x) > 0:
            momentum = 1.0
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        share = (momentum - 1) / grown
        ahead, ahead_product = step + share * (step - x), stepped + share * (stepped - product)
        x, product, momentum = step, stepped, grown
    return Minimum(x, _value(program, x, product), gap, iteration)


def _value(program: Program, x: Array, product: Array) -> float:
    return float(0.5 * x @ product - program.linear @ x)
