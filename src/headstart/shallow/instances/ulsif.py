"""uLSIF and RuLSIF: the density ratio by least squares, in closed form, with leave-one-out in closed form."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headstart.functional.folds import climb
from headstart.functional.landmarks import sampled_bandwidth
from headstart.functional.mmd import squared_distances
from headstart.functional.order_free import order_free, pooled, same_scale

Array = np.ndarray
WIDTHS = (0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 1.5, 2.5)
RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)


class Fit(NamedTuple):
    """Weights [n], the chosen bandwidth and ridge, leave-one-out losses [widths, ridges], infinite if not judged."""

    weights: Array
    bandwidth: float
    ridge: float
    losses: Array


def fit_relative_ratio(
    source: Any,
    target: Any,
    *,
    alpha: float = 0.0,
    bandwidths: tuple[float, ...] | None = None,
    ridges: tuple[float, ...] = RIDGES,
    n_centres: int = 100,
    seed: int = 0,
) -> Fit:
    """Fit ``w ~ p_target / (alpha p_target + (1 - alpha) p_source)`` on rows [n, d] and [m, d].

    With ``w(x) = f(x)' a``, f a constant and Gaussian kernels around target rows,
    ``H = alpha mean_j f(t_j) f(t_j)' + (1 - alpha) mean_i f(x_i) f(x_i)'`` and ``h = mean_j f(t_j)``:

    ``min_a 1/2 a' H a - h' a + ridge / 2 sum_{l > 0} a_l^2``, so that ``a = (H + ridge D)^-1 h``.

    ``w`` is cut off at 0. The constant is not in the papers; since it is free of the ridge, identical domains have
    weights of exactly 1. Bandwidth and ridge are those of the least leave-one-out loss, leaving out the i-th row of
    both domains together.

    Parameters
    ----------
    alpha : 0 for uLSIF; above 0 the ratio is bounded by 1 / alpha.
    bandwidths : candidates; None for 0.1 to 2.5 times the median distance of pooled rows. Narrow ones are judged while
        the narrowest so far is the best.
    ridges : candidates. n_centres : at most this many target rows.
    """
    rng = np.random.default_rng(seed)
    centres = target[np.sort(rng.choice(target.shape[0], min(n_centres, target.shape[0]), replace=False))]
    if bandwidths is None:
        middle = sampled_bandwidth(pooled(source, target), seed=seed)
        bandwidths = tuple(width * middle for width in WIDTHS)
    distances = squared_distances(source, centres), squared_distances(target, centres)
    pairs = rng.permutation(source.shape[0]), rng.permutation(target.shape[0])
    losses = np.full((len(bandwidths), len(ridges)), np.inf)

    def judge(at: int) -> float:
        number = widest[at]
        losses[number] = _losses(*_functions(*distances, bandwidths[number]), alpha, ridges, pairs)
        return float(losses[number].min().round(12))

    widest = np.argsort(-np.array(bandwidths), kind="stable")
    climb(judge, len(widest))
    best_width, best_ridge = np.unravel_index(int(np.argmin(losses.round(12))), losses.shape)
    bandwidth, ridge = bandwidths[best_width], ridges[best_ridge]
    over_source, over_target = _functions(*distances, bandwidth)
    inner, middle = _moments(over_source, over_target, alpha)
    weights = over_source @ np.linalg.solve(inner + ridge * _penalty(len(inner)), middle)
    return Fit(np.maximum(weights, 0), bandwidth, ridge, losses)


def _functions(to_source: Array, to_target: Array, bandwidth: float) -> tuple[Array, Array]:
    source, target = (np.exp(-squares / (2 * bandwidth**2)) for squares in (to_source, to_target))
    return np.insert(source, 0, 1.0, axis=1), np.insert(target, 0, 1.0, axis=1)


def _moments(source: Array, target: Array, alpha: float) -> tuple[Array, Array]:
    inner = (1 - alpha) / len(source) * (source.T @ source) + alpha / len(target) * (target.T @ target)
    return inner, target.mean(axis=0)


def _penalty(size: int) -> Array:
    free = np.ones(size)
    free[0] = 0.0
    return np.diag(free)


def _losses(source: Array, target: Array, alpha: float, ridges: tuple[float, ...], pairs: tuple[Array, Array]) -> Array:
    """Leave-one-out losses of every ridge.

    Without the i-th rows x and t, ``H_i = (1 - alpha) (n H_s - f(x) f(x)') / (n - 1) + alpha (m H_t - f(t) f(t)') /
    (m - 1)``: a matrix that all i share, less one of rank two, inverted by Woodbury's formula for all i at once. In the
    coordinates of `_diagonal` the shared one is diagonal for every ridge, so that all that is asked of it are sums of
    products of coordinates, [count, ridges].
    """
    n, m = len(source), len(target)
    if min(n, m) < 2:
        return np.zeros(len(ridges))
    count = min(n, m)
    shared = (1 - alpha) / (n - 1) * (source.T @ source) + alpha / (m - 1) * (target.T @ target)
    turn, free, sizes = _diagonal(shared)
    inverse = 1 / np.vstack([np.full(len(ridges), free), sizes[:, None] + np.array(ridges)])
    turned = target @ turn
    x, t = source[pairs[0][:count]] @ turn, turned[pairs[1][:count]]
    means = (turned.sum(axis=0) - t) / (m - 1)
    left, right = np.sqrt((1 - alpha) / (n - 1)), np.sqrt(alpha / (m - 1))
    xx, xt, tt, mx, mt = ((one * other) @ inverse for one, other in ((x, x), (x, t), (t, t), (means, x), (means, t)))
    a, b, c, p, q = left**2 * xx, left * right * xt, right**2 * tt, left * mx, right * mt
    determinant = (1 - a) * (1 - c) - b**2
    along_x, along_t = ((1 - c) * p + b * q) / determinant, (b * p + (1 - a) * q) / determinant
    at_x = np.maximum(mx + left * along_x * xx + right * along_t * xt, 0)
    at_t = np.maximum(mt + left * along_x * xt + right * along_t * tt, 0)
    return ((1 - alpha) / 2 * at_x**2 + alpha / 2 * at_t**2 - at_t).mean(axis=0)


def _diagonal(shared: Array) -> tuple[Array, float, Array]:
    """Return T, h and s with ``T' (H + ridge D) T = diag(h, s + ridge)`` for every ridge; D spares the constant."""
    free, side = float(shared[0, 0]), shared[1:, 0]
    sizes, axes = np.linalg.eigh(shared[1:, 1:] - np.outer(side, side) / free)
    turn = np.zeros_like(shared)
    turn[0, 0], turn[0, 1:], turn[1:, 1:] = 1.0, -(side @ axes) / free, axes
    return turn, free, np.maximum(sizes, 0.0)


@order_free(as_sparse=True)
def ulsif_weights(
    source: Any,
    target: Any,
    *,
    labels: Array | None = None,
    seed: int = 0,
    standardise: bool = True,
    bandwidths: tuple[float, ...] | None = None,
    ridges: tuple[float, ...] = RIDGES,
    n_centres: int = 100,
) -> Array:
    """Weigh source rows [n, d] by the least-squares density ratio of target rows [m, d]; see `fit_relative_ratio`.

    Labels are not used; CSR rows are never made dense. With ``standardise``, columns are first brought to mean 0 and
    standard deviation 1 of the pooled rows.

    References
    ----------
    Kanamori, Hido and Sugiyama, "A Least-Squares Approach to Direct Importance Estimation", JMLR 2009, section 3.
    """
    if standardise:
        source, target = same_scale(source, target)
    return fit_relative_ratio(
        source, target, alpha=0.0, bandwidths=bandwidths, ridges=ridges, n_centres=n_centres, seed=seed
    ).weights


@order_free(as_sparse=True)
def rulsif_weights(
    source: Any,
    target: Any,
    *,
    labels: Array | None = None,
    seed: int = 0,
    standardise: bool = True,
    alpha: float = 0.1,
    bandwidths: tuple[float, ...] | None = None,
    ridges: tuple[float, ...] = RIDGES,
    n_centres: int = 100,
) -> Array:
    """Weigh source rows [n, d] by the ratio to the mixed density, which is at most 1 / alpha; see `fit_relative_ratio`.

    ``alpha`` in [0, 1); 0 is uLSIF, towards 1 the weights become uniform. Labels are not used. With ``standardise``,
    columns are first brought to mean 0 and standard deviation 1 of the pooled rows.

    References
    ----------
    Yamada, Suzuki, Kanamori, Hachiya and Sugiyama, "Relative Density-Ratio Estimation for Robust Distribution
    Comparison", NIPS 2011, section 2.
    """
    if not 0 <= alpha < 1:
        raise ValueError(f"alpha is {alpha}; a number from 0 up to, but not including, 1 is expected.")
    if standardise:
        source, target = same_scale(source, target)
    return fit_relative_ratio(
        source, target, alpha=alpha, bandwidths=bandwidths, ridges=ridges, n_centres=n_centres, seed=seed
    ).weights
