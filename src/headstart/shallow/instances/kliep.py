"""KLIEP: the density ratio under which the target is most likely."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from headstart.functional.folds import climb
from headstart.functional.landmarks import sampled_bandwidth
from headstart.functional.mixture import Mixture, mixture_proportions
from headstart.functional.mmd import squared_distances
from headstart.functional.order_free import order_free, pooled, same_scale

Array = np.ndarray
WIDTHS = (0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 1.5, 2.5)


class Ratio(NamedTuple):
    """Weights [n], the target's mean log-weight, how far at most it is below the best, and the chosen bandwidth.

    ``held_out`` are the cross-validated likelihoods of the bandwidths from the widest on, as far as they were judged.
    """

    weights: Array
    likelihood: float
    gap: float
    bandwidth: float
    held_out: tuple[float, ...]


def fit_ratio(
    source: Any,
    target: Any,
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
    that the problem is that of `mixture_proportions`, with its certificate. The bandwidth is chosen by
    cross-validated likelihood. The constant ``a_0`` is not in the paper; with it,
    identical domains have weights of exactly 1.

    Parameters
    ----------
    bandwidths : candidates; None for 0.1 to 2.5 times the median distance of pooled rows. Narrow ones are judged while
        the narrowest so far is the best.
    n_centres : at most this many target rows. n_folds : of the target, for the choice.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(target.shape[0], min(n_centres, target.shape[0]), replace=False))
    centres = target[rows]
    if bandwidths is None:
        middle = sampled_bandwidth(pooled(source, target), seed=seed)
        bandwidths = tuple(width * middle for width in WIDTHS)
    to_source, to_target = squared_distances(source, centres), squared_distances(target, centres)
    chosen, held_out = bandwidths[0], []
    n_folds = min(n_folds, source.shape[0], target.shape[0])
    if len(bandwidths) > 1 and n_folds > 1:
        folds = rng.permutation(source.shape[0]) % n_folds, rng.permutation(target.shape[0]) % n_folds
        wide = sorted(bandwidths, reverse=True)
        held_out = climb(lambda at: -round(_held_out(to_source, to_target, wide[at], rows, folds), 12), len(wide))
        chosen = wide[len(held_out) - 1 - int(np.argmin(held_out[::-1]))]
    over_source, over_target = _kernels(to_source, to_target, chosen)
    base, found = _fit(over_source, over_target, tolerance)
    return Ratio(
        base(over_source) @ found.proportions, found.likelihood, found.gap, chosen, tuple(-loss for loss in held_out)
    )


def _kernels(to_source: Array, to_target: Array, bandwidth: float) -> tuple[Array, Array]:
    return np.exp(-to_source / (2 * bandwidth**2)), np.exp(-to_target / (2 * bandwidth**2))


def _fit(over_source: Array, over_target: Array, tolerance: float) -> tuple[Callable[[Array], Array], Mixture]:
    """Fit to kernels [n, l] and [m, l] around centres; return the functions of mean 1, and their mixture."""
    mean = over_source.mean(axis=0)
    keep = mean > 1e-8 * mean.max(initial=1e-300)  # a function that no source row feels would have unbounded weight

    def base(kernel: Array) -> Array:
        return np.hstack([np.ones((len(kernel), 1)), kernel[:, keep] / mean[keep]])

    return base, _solve(base(over_target), tolerance)


def _solve(over_target: Array, tolerance: float) -> Mixture:
    """Try the constant alone first: where the domains agree it is the answer."""
    constant = np.eye(1, over_target.shape[1])[0]
    found = mixture_proportions(over_target, start=constant, tolerance=1e-12, max_iterations=0)
    return found if found.gap <= 1e-12 else mixture_proportions(over_target, tolerance=tolerance)


def _held_out(
    to_source: Array, to_target: Array, bandwidth: float, centre_rows: Array, folds: tuple[Array, Array]
) -> float:
    """Mean of ``log w`` over held-out target rows less the mean of ``w`` over held-out source rows, plus 1.

    In expectation at most the divergence KL(target, source), whatever w (Nguyen, Wainwright and Jordan). The paper
    scores the target alone, which a narrow kernel far from every source row drives up without bound.
    """
    total = 0.0
    over_source, over_target = _kernels(to_source, to_target, bandwidth)
    for fold in range(int(folds[1].max()) + 1):
        source, target = folds[0] == fold, folds[1] == fold
        centres = ~target[centre_rows]
        seen_source, seen_target = over_source[~source][:, centres], over_target[~target][:, centres]
        base, fit = _fit(seen_source, seen_target, 1e-4)
        at_target = base(over_target[target][:, centres]) @ fit.proportions
        at_source = base(over_source[source][:, centres]) @ fit.proportions
        total += float(np.log(np.clip(at_target, 1e-300, len(source))).sum()) / len(target)
        total += float((1 - at_source).sum()) / len(source)
    return total


@order_free(as_sparse=True)
def kliep_weights(
    source: Any,
    target: Any,
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

    Labels are not used; CSR rows are never made dense. With ``standardise``, columns are first brought to mean 0 and
    standard deviation 1 of the pooled rows.

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
