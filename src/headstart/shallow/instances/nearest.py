"""Nearest-neighbour weights: how many target rows a source row stands nearest to."""

from __future__ import annotations

import numpy as np

from headstart.functional.mmd import squared_distances
from headstart.functional.order_free import order_free, same_scale

Array = np.ndarray


@order_free
def nearest_weights(
    source: Array,
    target: Array,
    *,
    labels: Array | None = None,
    seed: int = 0,
    standardise: bool = True,
    smoothing: float = 1.0,
) -> Array:
    """Weigh source rows [n, d] by the target rows [m, d] in their Voronoi cells.

    ``w_i = (count_i n / m + smoothing) / (1 + smoothing)``, where ``count_i`` is the number of target rows of which
    source row i is the nearest; equal source rows share theirs. Labels are not used. The distances are computed in
    pieces: n m d operations, without an n x m matrix.

    Parameters
    ----------
    smoothing : 1 is Laplace's rule (one row added to each cell); 0 leaves cells without target rows without weight.
    standardise : whether columns are first brought to mean 0 and standard deviation 1 of the pooled rows.

    References
    ----------
    Loog, "Nearest Neighbor-Based Importance Weighting", IEEE Workshop on Machine Learning for Signal Processing 2012.
    """
    if standardise:
        source, target = same_scale(source, target)
    distinct, group, size = np.unique(source, axis=0, return_inverse=True, return_counts=True)
    block = max(1, 20_000_000 // len(distinct))
    starts = range(0, len(target), block)
    chosen = np.concatenate([squared_distances(target[at : at + block], distinct).argmin(axis=1) for at in starts])
    count = (np.bincount(chosen, minlength=len(distinct)) / size)[group.ravel()]
    return (count * len(source) / len(target) + smoothing) / (1 + smoothing)
