"""KLIEP: the density ratio under which the target is most likely."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headstart.functional.landmarks import sampled_bandwidth
from headstart.functional.mixture import Mixture, mixture_proportions
from headstart.functional.mmd import squared_distances
from headstart.functional.order import order_free, same_scale

Array = np.ndarray
WIDTHS = (0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 1.5, 2.5)


class Ratio(NamedTuple):
    """Weights [n], the target's mean log-weight, how far at most it is below the best, and the chosen bandwidth."""

    weights: Array
    likelihood: float
    gap: float
    bandwidth: float
    held_out: tuple[float, ...]


def fit_ratio(
    source: Array,
    target: Array,
    *,
    bandwidths: tuple[float, ...] | None = None,
    n_centres: int = 100,
    n_folds: int = 5,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> Ratio:
    """Solve KLIEP for rows [n, d] of the source and [m, d] of the target.

    ``w(x) = a_0 + sum_l a_l exp(-||x - c_l||^2 / (2 bandwidth^2))`` with centres drawn from the target:

    ``max_a mean_j log w(t_j)`` subject to ``mean_i w(x_i) = 1`` and ``a >= 0``.

    Divided by their means over the source, the functions are the densities of a mixture and ``a`` its proportions, so
    that the problem is that of `mixture_proportions`, with its certificate. The bandwidth is the one whose fit to the
    other folds of the target makes a held-out fold most likely. The constant ``a_0`` is not in the paper; with it,
    identical domains have weights of exactly 1.

    Parameters
    ----------
    bandwidths : candidates; None for 0.1 to 2.5 times the median distance of pooled rows.
    n_centres : at most this many target rows. n_folds : of the target, for the choice.
    """
    rng = np.random.default_rng(seed)
    centres = target[np.sort(rng.choice(len(target), min(n_centres, len(target)), replace=False))]
    if bandwidths is None:
        middle = sampled_bandwidth(np.concatenate([source, target]), seed=seed)
        bandwidths = tuple(width * middle for width in WIDTHS)
    to_source, to_target = squared_distances(source, centres), squared_distances(target, centres)
    folds = rng.permutation(len(target)) % n_folds
    held_out = [_held_out(to_source, to_target, width, folds) for width in bandwidths] if len(bandwidths) > 1 else [0.0]
    chosen = bandwidths[int(np.argmax(np.round(held_out, 12)))]
    over_source, over_target = _densities(to_source, to_target, chosen)
    found = _solve(over_target, tolerance)
    return Ratio(over_source @ found.proportions, found.likelihood, found.gap, chosen, tuple(held_out))


def _densities(to_source: Array, to_target: Array, bandwidth: float) -> tuple[Array, Array]:
    """The functions at the source's and the target's rows, each of mean 1 over the source, the constant first."""
    over_source, over_target = (np.exp(-squares / (2 * bandwidth**2)) for squares in (to_source, to_target))
    mean = over_source.mean(axis=0)
    keep = mean > 1e-8 * mean.max(initial=1e-300)  # a function that no source row feels would have unbounded weight
    over_source, over_target = over_source[:, keep] / mean[keep], over_target[:, keep] / mean[keep]
    return tuple(np.insert(values, 0, 1.0, axis=1) for values in (over_source, over_target))  # pyright: ignore


def _solve(over_target: Array, tolerance: float) -> Mixture:
    """Begin with the constant alone, but for a speck: where the domains agree it is the answer already."""
    start = np.full(over_target.shape[1], 0.0)
    start[0] = 1.0
    return mixture_proportions(over_target, start=start, tolerance=tolerance)


def _held_out(to_source: Array, to_target: Array, bandwidth: float, folds: Array) -> float:
    _, over_target = _densities(to_source, to_target, bandwidth)
    total = 0.0
    for fold in np.unique(folds):
        held = folds == fold
        if held.all():
            return 0.0
        fit = _solve(over_target[~held], 1e-4)
        total += float(np.log(np.maximum(over_target[held] @ fit.proportions, 1e-300)).sum())
    return total / len(folds)


@order_free
def kliep_weights(
    source: Array,
    target: Array,
    *,
    labels: Array | None = None,
    seed: int = 0,
    standardise: bool = True,
    bandwidths: tuple[float, ...] | None = None,
    n_centres: int = 100,
    n_folds: int = 5,
    tolerance: float = 1e-6,
) -> Array:
    """Weigh source rows [n, d] by the ratio under which target rows [m, d] are most likely; see `fit_ratio`.

    Labels are not used. With ``standardise``, columns are first brought to mean 0 and standard deviation 1 of the
    pooled rows.

    References
    ----------
    Sugiyama, Nakajima, Kashima, von Buenau and Kawanabe, "Direct Importance Estimation with Model Selection and Its
    Application to Covariate Shift Adaptation", NIPS 2007, sections 3 and 4.
    """
    if standardise:
        source, target = same_scale(source, target)
    return fit_ratio(
        source, target, bandwidths=bandwidths, n_centres=n_centres, n_folds=n_folds, tolerance=tolerance, seed=seed
    ).weights
