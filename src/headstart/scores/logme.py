"""LogME: the evidence of a Bayesian linear model on frozen features."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headstart.scores.basis import Array, Economy, Terms, columns_of, economy, read

GRID = np.logspace(-10, 6, 49)
"""Strengths ``alpha / beta`` that are tried first, as multiples of the largest squared singular value."""
SMALLEST = 1e-300


def logme(features: Array, labels: Array, *, intercept: bool = True) -> float:
    """Return the mean over label columns y of the best log evidence per sample, ``max_{a, b} log p(y | X, a, b) / n``.

    ``w ~ N(0, I / a)``, ``y ~ N(X w, I / b)``; with the thin singular values s, ``l = a / b`` and ``z = U' y``, the
    best b is closed and the rest is one search over l:
    ``log p / n = 1/2 log b - 1/2 - 1/2 log 2 pi + 1/(2n) sum_j log(l / (l + s_j^2))``,
    ``n / b = |y|^2 - |z|^2 + sum_j l z_j^2 / (l + s_j^2)``. No matrix of D x D is formed when n < D.

    Parameters
    ----------
    features : [n, d]. labels : class numbers [n], or values [n] or [n, k].
    intercept : the paper's model has none, so that features of mean zero, such as standardised columns, cannot even say
        how frequent a class is; False is that. True gives it one with a flat prior: features and columns are centred.

    References
    ----------
    You, Liu, Wang and Long, "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", ICML 2021,
    equation 2 and algorithm 1; the search over one number stands for its fixed-point steps.
    """
    return logme_terms(features, labels, intercept=intercept).value


def logme_terms(features: Array, labels: Array, *, intercept: bool = True) -> Terms:
    """Return LogME as a mean over samples: the slope of the evidence in each sample's weight, shifted to the value.

    ``log N(y_i; x_i' m, 1 / b) - 1/2 x_i' (l I + X' X)^-1 x_i`` is what a little more of sample i adds at the best a
    and b (the first-order, or infinitesimal, jackknife). Resampling these terms resamples LogME to first order.

    References
    ----------
    Efron, "The Jackknife, the Bootstrap and Other Resampling Plans", 1982, chapter 6.
    """
    x, y = read(features, labels)
    columns = columns_of(y)
    columns = columns - columns.mean(axis=0) if intercept else columns
    basis = economy(x, intercept)
    best = _search(basis, columns)
    gain = basis.squares[:, None] / (basis.squares[:, None] + best.strength)
    residual = columns - basis.left @ (gain * best.turned)
    slope = 0.5 * np.log(best.precision / (2 * np.pi)) - 0.5 * best.precision * residual**2
    slope -= 0.5 * basis.left**2 @ gain
    return Terms((slope - slope.mean(axis=0) + best.evidence).mean(axis=1))


class _Best(NamedTuple):
    """Per column [k]: the strength l, the precision b, the evidence per sample; and ``turned`` z [r, k]."""

    strength: Array
    precision: Array
    evidence: Array
    turned: Array


def _search(basis: Economy, columns: Array) -> _Best:
    """Try a grid of strengths, then close in on the best of it by golden section, for all columns at once."""
    turned = basis.left.T @ columns
    power, total = turned**2, (columns**2).sum(axis=0)
    outside = total - power.sum(axis=0)
    outside[outside < 1e-12 * total] = 0.0  # rounding: the columns lie within what the features span
    n, largest = len(columns), float(basis.squares[-1])

    def evidence(strength: Array) -> Array:
        share = strength / (strength + basis.squares[:, None])
        rest = np.maximum(outside + (share * power).sum(axis=0), SMALLEST)
        return 0.5 * np.log(n / rest) - 0.5 - 0.5 * np.log(2 * np.pi) + np.log(share).sum(axis=0) / (2 * n)

    grid = np.log(GRID * largest)
    found = np.stack([evidence(np.exp(np.full(columns.shape[1], point))) for point in grid])
    at = found.argmax(axis=0)
    low, high = grid[np.maximum(at - 1, 0)], grid[np.minimum(at + 1, len(grid) - 1)]
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(40):
        left, right = high - golden * (high - low), low + golden * (high - low)
        better = evidence(np.exp(left)) > evidence(np.exp(right))
        low, high = np.where(better, low, left), np.where(better, right, high)
    strength = np.exp((low + high) / 2)
    share = strength / (strength + basis.squares[:, None])
    rest = np.maximum(outside + (share * power).sum(axis=0), SMALLEST)
    return _Best(strength, n / rest, evidence(strength), turned)
