"""How well maps of classes agree: counts of pixels, and what is made of them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

Array = np.ndarray
TOLERANCE = 0.0075
"""Of a picture's diagonal: how far apart two boundaries may lie that count as one."""


def confusion(truth: Array, said: Array, k: int) -> Array:
    """Return counts [k, k] of pixels, true class by said class; pixels of a class from ``k`` on are left out.

    Examples
    --------
    >>> confusion(np.array([0, 0, 1, 255]), np.array([0, 1, 1, 0]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    known = (truth < k) & (said < k)
    flat = truth[known].astype(np.int64) * k + said[known]
    return np.bincount(flat.ravel(), minlength=k * k).reshape(k, k)


def iou(counts: Array) -> Array:
    """Return the intersection over the union of each class [..., k]; NaN where neither has it.

    Examples
    --------
    >>> iou(np.array([[2, 1], [1, 0]])).tolist()
    [0.5, 0.0]
    """
    both = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    either = counts.sum(-1) + counts.sum(-2) - both
    return np.divide(both, either, out=np.full(both.shape, np.nan), where=either > 0)


def dice(counts: Array) -> Array:
    """Return twice the intersection over the sum of sizes of each class [..., k]; NaN where neither has it."""
    both = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    sizes = counts.sum(-1) + counts.sum(-2)
    return np.divide(2 * both, sizes, out=np.full(both.shape, np.nan), where=sizes > 0)


def mean_known(values: Array) -> Array:
    """Return the mean over the last axis of what is not NaN; 1 where all is: nothing there, and nothing said."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(-1)
    count = known.sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), 1.0)


def boundary_counts(truth: Array, said: Array, k: int) -> Array:
    """Return by class [k, 4]: of its said boundary the pixels near the true one, and all; of the true one likewise.

    A boundary pixel has a neighbour of another class; near means within `TOLERANCE` of the picture's diagonal. Pixels
    that have no label are no boundary.

    References
    ----------
    Csurka et al., "What is a good evaluation measure for semantic segmentation?", BMVC 2013.
    """
    reach = max(1.0, TOLERANCE * float(np.hypot(*truth.shape)))
    unknown = truth >= k
    found = np.zeros((k, 4), np.int64)
    for number in range(k):
        true, mine = (_boundary(one == number) & ~unknown for one in (truth, said))
        if not true.any() and not mine.any():
            continue
        near_true, near_mine = (_distance(one) <= reach for one in (true, mine))
        found[number] = (mine & near_true).sum(), mine.sum(), (true & near_mine).sum(), true.sum()
    return found


def boundary_f1(counts: Array) -> Array:
    """Return F1 of precision and recall of boundaries [..., k] from their counts; NaN where there is no boundary."""
    precision, recall = (
        np.divide(counts[..., a], counts[..., b], out=np.zeros(counts.shape[:-1]), where=counts[..., b] > 0)
        for a, b in ((0, 1), (2, 3))
    )
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros(total.shape), where=total > 0)
    return np.where(counts[..., 1] + counts[..., 3] > 0, f1, np.nan)


def _boundary(region: Array) -> Array:
    return region & ~ndimage.binary_erosion(region, border_value=1)


def _distance(boundary: Array) -> Array:
    if not boundary.any():
        return np.full(boundary.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~boundary))
