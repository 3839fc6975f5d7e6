"""Angles between subspaces, and how much those of two domains disagree."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def principal_angles(first: Array, second: Array) -> tuple[Array, Array, Array]:
    """Return ``(angles [k], left [p, k], right [q, k])`` between the spans of orthonormal first [d, p], second [d, q].

    ``first @ left`` and ``second @ right`` are the principal vectors, by rising angle; small angles by their sines.

    References
    ----------
    Bjorck and Golub, "Numerical Methods for Computing Angles Between Linear Subspaces", Mathematics of Computation
    1973.
    """
    left, cosines, right = np.linalg.svd(first.T @ second, full_matrices=False)
    vectors = second @ right.T
    sines = np.linalg.norm(vectors - first @ (first.T @ vectors), axis=0)
    angles = np.arctan2(sines, np.minimum(cosines, 1.0))
    return angles, left, right.T


def subspace_disagreement(source: Array, target: Array, pooled: Array) -> Array:
    """Return how much two domains' leading subspaces disagree with that of both, [k], for 1 to k axes.

    ``D(q) = (sin a_q + sin b_q) / 2`` with a_q, b_q the largest principal angles of the first q axes of the source and
    of the target with those of the pooled rows. The number of axes to keep is the last before D reaches 1.

    References
    ----------
    Gong, Shi, Sha and Grauman, "Geodesic Flow Kernel for Unsupervised Domain Adaptation", CVPR 2012, section 3.3.
    """
    count = min(source.shape[1], target.shape[1], pooled.shape[1])
    pairs = [
        [np.sin(principal_angles(side[:, :q], pooled[:, :q])[0][-1]) for side in (source, target)]
        for q in range(1, count + 1)
    ]
    return np.mean(pairs, axis=1)
