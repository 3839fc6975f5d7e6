"""A Gaussian kernel between many rows through a few of them: Nystroem features, and exact sums in pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.functional.mmd import median_bandwidth, rbf

Array = np.ndarray


def sampled_bandwidth(rows: Any, *, limit: int = 1000, seed: int = 0) -> float:
    """Return the median distance between at most ``limit`` rows, dense or CSR, drawn by seed."""
    if rows.shape[0] > limit:
        rows = rows[np.random.default_rng(seed).choice(rows.shape[0], limit, replace=False)]
    return median_bandwidth(rows)


def landmark_turn(landmarks: Any, bandwidth: float) -> Array:
    """Return ``U s^(-1/2)`` [l, r] of ``K(L, L) = U s U'``, without directions below 1e-10 of the largest."""
    sizes, vectors = np.linalg.eigh(rbf(landmarks, landmarks, bandwidth))
    keep = sizes > 1e-10 * sizes[-1]
    return vectors[:, keep] / np.sqrt(sizes[keep])


def landmark_features(rows: Any, landmarks: Any, turn: Array, bandwidth: float) -> Array:
    """Return features F [n, r] with ``F F' ~ K(rows, rows)``: ``K(rows, L)`` turned; exact on the span of landmarks L.

    The mean of other rows' features is ``kernel_mean(landmarks, others, bandwidth) @ turn``, without their features.

    References
    ----------
    Williams and Seeger, "Using the Nystroem Method to Speed Up Kernel Machines", NIPS 2000.
    """
    features = np.empty((rows.shape[0], turn.shape[1]))
    for start in range(0, rows.shape[0], 4000):
        features[start : start + 4000] = rbf(rows[start : start + 4000], landmarks, bandwidth) @ turn
    return features


def kernel_mean(rows: Any, others: Any, bandwidth: float, *, block: int = 2000) -> Array:
    """Return ``mean_j k(rows_i, others_j)`` [n] without holding the kernel; the last, shorter block counts in full."""
    total = np.zeros(rows.shape[0])
    for start in range(0, others.shape[0], block):
        total += rbf(rows, others[start : start + block], bandwidth).sum(axis=1)
    return total / others.shape[0]
