"""SAE: an encoder of features to attributes whose transpose decodes them."""

from __future__ import annotations

import numpy as np

from headstart.functional.folds import Array

STRENGTHS = (0.01, 0.1, 1.0, 10.0)


def sae(features: Array, labels: Array, attributes: Array, *, strength: float = 1.0, seed: int = 0) -> Array:
    """Return weights [k, d], the unit rows of ``W' a_k``, W [a, d] of ``min |X' - W'S|^2 + l |W X' - S|^2``.

    S [a, n] holds each row's attributes; ``S S' W + l W X'X = (1 + l) S X`` is solved exactly. A class is the cosine of
    features with its decoded attributes.

    Parameters
    ----------
    features : [n, d]. labels : [n], rows of ``attributes``. attributes : [k, a], of all classes. strength : l times the
        ratio of both terms' sizes. seed : nothing is drawn.

    References
    ----------
    Kodirov, Xiang and Gong, "Semantic Autoencoder for Zero-Shot Learning", CVPR 2017, equations 5 and 6.
    """
    semantic = attributes[labels].T
    inner, (_, sizes, right) = semantic @ semantic.T, np.linalg.svd(features, full_matrices=False)
    weight = strength * np.trace(inner) / max(float(np.square(sizes).sum()), 1e-12)
    small = 1e-9 * np.trace(inner) / len(inner) + 1e-12
    # Both sides are symmetric, so their eigenvectors part the equation into one number each; what no row reaches is 0.
    values, left = np.linalg.eigh(inner)
    wanted = (1 + weight) * left.T @ (semantic @ features) @ right.T
    encoder = left @ (wanted / (values[:, None] + small + weight * np.square(sizes))) @ right
    decoded = attributes @ encoder
    return decoded / np.maximum(np.linalg.norm(decoded, axis=1, keepdims=True), 1e-12)
