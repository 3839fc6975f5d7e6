"""Kernel inception distance of drawn samples from real ones, with an interval; and whether they are copies."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import mannwhitneyu

Array = np.ndarray
Z = 1.959963984540054


class Distance(NamedTuple):
    """A squared distance and what each sample left out makes of it: of reals [n], of drawn [m]."""

    value: float
    reals: Array
    drawn: Array

    @property
    def interval(self) -> tuple[float, float]:
        """A 95% interval, by the jackknife over both samples."""
        half = Z * math.sqrt(_variance(self.reals) + _variance(self.drawn))
        return self.value - half, self.value + half


def kid(reals: Array, drawn: Array) -> Distance:
    """Return the unbiased squared MMD of features [n, d] and [m, d] under the kernel ``(x . y / d + 1)^3``.

    It may be below 0, and is 0 in the mean where both are of one distribution (Binkowski et al., "Demystifying MMD
    GANs", ICLR 2018).
    """
    a, b, cross = _kernel(reals, reals), _kernel(drawn, drawn), _kernel(reals, drawn)
    within_a, less_a = _within(a)
    within_b, less_b = _within(b)
    n, m, total = len(reals), len(drawn), cross.sum()
    value = within_a + within_b - 2 * total / (n * m)
    left = less_a + within_b - 2 * (total - cross.sum(axis=1)) / ((n - 1) * m)
    right = within_a + less_b - 2 * (total - cross.sum(axis=0)) / (n * (m - 1))
    return Distance(float(value), left, right)


def gain(before: Distance, after: Distance) -> tuple[float, float, float]:
    """Return by how much ``after`` is nearer than ``before`` to the same reals, with a 95% interval (jackknife)."""
    value = before.value - after.value
    parts = (before.reals - after.reals, before.drawn, after.drawn)
    half = Z * math.sqrt(sum(_variance(part) for part in parts))
    return value, value - half, value + half


class Copies(NamedTuple):
    """How often a drawn sample is nearer to one that was learned from than a fresh one is, and how sure that is."""

    share: float
    p: float

    @property
    def found(self) -> bool:
        return self.p < 0.01 and self.share > 0.6


def copies(drawn: Array, learned: Array, fresh: Array) -> Copies:
    """Compare distances to the nearest learned sample, of features: 0.5 is as far as fresh ones, 1 is a copy each.

    The p-value is that of Mann and Whitney, one-sided (Meehan, Chaudhuri and Dasgupta, "A Non-Parametric Test to Detect
    Data-Copying in Generative Models", AISTATS 2020, on one cell).
    """
    near, usual = _nearest(drawn, learned), _nearest(fresh, learned)
    found = mannwhitneyu(near, usual, alternative="less")
    return Copies(float(1 - found.statistic / (len(near) * len(usual))), float(found.pvalue))


def _kernel(x: Array, y: Array) -> Array:
    return (x.astype(np.float64) @ y.astype(np.float64).T / x.shape[1] + 1) ** 3


def _within(k: Array) -> tuple[float, Array]:
    """Return the mean of a kernel off its diagonal, and what it is without each sample."""
    n, rows = len(k), k.sum(axis=1) - k.diagonal()
    total = rows.sum()
    return total / (n * (n - 1)), (total - 2 * rows) / ((n - 1) * (n - 2))


def _variance(left_out: Array) -> float:
    n = len(left_out)
    return float((n - 1) / n * np.square(left_out - left_out.mean()).sum())


def _nearest(x: Array, y: Array) -> Array:
    squares = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1) - 2 * x @ y.T
    return np.sqrt(np.maximum(squares, 0).min(axis=1))
