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
    """``1/2 x' A x - b' x``: ``times(x) = A x``, b [n], and two bounds with ``A <= curvature I + common 1 1'``.

    ``common`` takes up what A does to the sum of x. Where entries of A are alike, it keeps ``curvature``, which the
    solver's steps are divided by, small.
    """

    times: Callable[[Array], Array]
    linear: Array
    curvature: float
    common: float = 0.0


class Minimum(NamedTuple):
    """A point of the box, its value, and how far at most that value is above the least one."""

    point: Array
    value: float
    gap: float
    iterations: int


def project(x: Array, box: Box, *, stiffness: float = 0.0, total: float = 0.0) -> Array:
    """Return ``argmin_z |z - x|^2 + stiffness (sum z - total)^2`` over the box; stiffness 0 is the nearest point.

    It is ``clip(x - t, 0, upper)`` with one number t: ``stiffness (sum z - total)``, or what holds the sum in bounds.
    """
    shift = _shift(x, box.upper, total, 1 / stiffness) if stiffness else 0.0
    clipped = np.clip(x - shift, 0, box.upper)
    found = clipped.sum()
    if box.low <= found <= box.high:
        return clipped
    return np.clip(x - _shift(x, box.upper, box.low if found < box.low else box.high, 0.0), 0, box.upper)


def _shift(x: Array, upper: Array, wanted: float, give: float) -> float:
    """Solve ``sum clip(x - t, 0, upper) = wanted + give t``.

    The left side falls along t in straight pieces; each Newton step solves its piece, and bisection keeps it within the
    bracket.
    """
    left, right = float((x - upper).min()), float(x.max())
    if give:
        left, right = -wanted / give, (float(upper.sum()) - wanted) / give
    shift = min(max(0.0, left), right)
    for _ in range(100):
        excess = np.clip(x - shift, 0, upper).sum() - wanted - give * shift
        if abs(excess) <= 1e-12 * max(1.0, abs(wanted)):
            break
        left, right = (shift, right) if excess > 0 else (left, shift)
        slope = ((x > shift) & (x < shift + upper)).sum() + give
        newton = shift + excess / slope if slope else np.inf
        shift = newton if left < newton < right else (left + right) / 2
    return shift


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
    momentum, gap, iteration, stiffness = 1.0, np.inf, 0, program.common / program.curvature
    for iteration in range(max_iterations + 1):
        if iteration % 10 == 0 or iteration == max_iterations:
            slope = product - program.linear
            gap = max(float(slope @ x) - least_linear(slope, box), 0.0)
            if gap <= max(tolerance * (first - _value(program, x, product)), floor):
                break
        point = ahead - (ahead_product - program.linear) / program.curvature
        step = project(point, box, stiffness=stiffness, total=float(ahead.sum()))
        stepped = program.times(step)
        back, forth = ahead - step, step - x
        if back @ forth + stiffness * back.sum() * forth.sum() > 0:
            momentum = 1.0
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        share = (momentum - 1) / grown
        ahead, ahead_product = step + share * (step - x), stepped + share * (stepped - product)
        x, product, momentum = step, stepped, grown
    return Minimum(x, _value(program, x, product), gap, iteration)


def _value(program: Program, x: Array, product: Array) -> float:
    return float(0.5 * x @ product - program.linear @ x)
