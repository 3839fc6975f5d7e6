"""Gaussian Bhattacharyya coefficient: how much the classes, seen as Gaussians, overlap."""

from __future__ import annotations

import numpy as np

from headstart.scores.basis import SMALLEST, Array, class_means, classes_of, columns_of, leading, read

DIMENSIONS = 64
FLOOR = 1e-6
"""Least variance of a class along an axis, as a share of the mean variance: a class of one sample has none."""


def gbc(features: Array, labels: Array) -> float:
    """Return minus the summed Bhattacharyya coefficients of all ordered pairs of classes, at most 0.

    ``-sum_{a != b} exp(-D_ab)``, ``D_ab = 1/8 sum_j (m_aj - m_bj)^2 / v_j + 1/2 sum_j log(v_j / sqrt(v_aj v_bj))`` and
    ``v = (v_a + v_b) / 2``, with means and variances per class on the 64 leading principal axes.

    Parameters
    ----------
    features : [n, d]. labels : class numbers [n].

    References
    ----------
    Pandy et al., "Transferability Estimation using Bhattacharyya Class Separability", CVPR 2022, equations 3 to 5
    (diagonal covariances).
    """
    x, y = read(features, labels)
    classes_of(y, "GBC")
    rows = leading(x, DIMENSIONS)
    if not rows.shape[1]:
        return -float(y.max() * (y.max() + 1))
    means, shares = class_means(rows, y)
    squares = (columns_of(y).T @ (rows - means[y]) ** 2) / (shares[:, None] * len(y))
    variances = squares + max(FLOOR * float(rows.var(axis=0).mean()), SMALLEST)
    total = 0.0
    for mean, variance in zip(means, variances, strict=True):
        both = (variance + variances) / 2
        distance = ((mean - means) ** 2 / both).sum(axis=1) / 8
        distance += 0.5 * (np.log(both) - 0.5 * (np.log(variance) + np.log(variances))).sum(axis=1)
        total += float(np.exp(-distance).sum()) - 1
    return 0.0 - total
