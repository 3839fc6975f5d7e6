"""PARC: whether samples that the source finds alike are alike in their labels."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import pdist
from scipy.stats import rankdata

from headstart.scores.basis import Array, is_classes, read

MOST_ROWS = 1000
"""Samples whose pairs are compared: half a million pairs."""


def parc(features: Array, labels: Array, *, seed: int = 0) -> float:
    """Return Spearman's correlation over pairs of samples between distance of features and of labels, in [-1, 1].

    Distances of features are ``1 - Pearson(x_i, x_j)``; of classes 0 or 1, which order pairs as the paper's correlation
    of one-hot rows does; of values ``|y_i - y_j|``. Ties share their mean rank.

    Parameters
    ----------
    features : [n, d], the pairs of at most 1,000 rows, drawn by ``seed``. labels : class numbers [n], or values.

    References
    ----------
    Bolya, Mittapalli and Hoffman, "Scalable Diverse Model Selection for Accessible Transfer Learning", NeurIPS 2021,
    section 4.
    """
    x, y = read(features, labels)
    if len(x) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).permutation(len(x))[:MOST_ROWS])
        x, y = x[rows], y[rows]
    x = x - x.mean(axis=1, keepdims=True)
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)
    far = 1 - (x @ x.T)[np.triu_indices(len(x), 1)]
    apart = pdist(y[:, None], "hamming") if is_classes(y) else pdist(y)
    return _correlation(rankdata(far), rankdata(apart))


def _correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size > 0 else 0.0
