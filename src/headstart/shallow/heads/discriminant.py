"""A linear discriminant with a shrunken covariance, as a head."""

from __future__ import annotations

import numpy as np
from sklearn.covariance import ledoit_wolf

from headstart.functional.folds import Array
from headstart.shallow.heads.class_means import means_of
from headstart.shallow.heads.linear import Head

NEVER = -1e3


def discriminant(features: Array, labels: Array, k: int) -> Head:
    """Return the head of ``log p_c - (x - m_c)' S^-1 (x - m_c) / 2``: class means m_c under a learned metric.

    S is the pooled covariance, shrunk by Ledoit and Wolf's estimate towards its diagonal on the principal axes of these
    rows, which are as many as they at most; of one row per class it is a multiple of the identity. A class without a
    row is never answered.

    References
    ----------
    Ledoit and Wolf, "Honey, I Shrunk the Sample Covariance Matrix", Journal of Portfolio Management 2004.
    """
    centre, there = features.mean(axis=0), np.unique(labels)
    _, singular, axes = np.linalg.svd(features - centre, full_matrices=False)
    axes = axes[singular > 1e-9 * max(singular[0], 1e-300)]
    coef, intercept = np.zeros((k, features.shape[1])), np.full(k, NEVER)
    if len(there) < 2 or not len(axes):
        intercept[there] = 0.0
        return Head(coef, intercept)
    rows, place = (features - centre) @ axes.T, np.searchsorted(there, labels)
    means, counts = means_of(rows, place, len(there))[0], np.bincount(place)
    inside = rows - means[place]
    if len(rows) == len(there):  # no two rows of a class: all axes alike
        scale, covariance = np.full(len(axes), max(float(rows.std()), 1e-300)), np.eye(len(axes))
    else:
        scale = np.maximum(inside.std(axis=0), 1e-6 * max(float(inside.std()), 1e-300))
        covariance = ledoit_wolf(inside / scale, assume_centered=True)[0] * len(rows) / (len(rows) - len(there))
    weights = np.linalg.solve(covariance, (means / scale).T).T / scale
    coef[there] = weights @ axes
    intercept[there] = np.log(counts / len(rows)) - (weights * means).sum(axis=1) / 2 - coef[there] @ centre
    return Head(coef, intercept)
