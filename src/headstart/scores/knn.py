"""Nearest neighbours, leaving each sample out: the plain score that beats most."""

from __future__ import annotations

import numpy as np

from headstart.scores.basis import Array, Terms, columns_of, is_classes, read

NUMBERS = (1, 3, 5, 9, 15)
"""Numbers of neighbours, the best of which counts."""
BLOCK, WHOLE = 1024, 6000
"""Rows whose distances are held at once, and rows up to which all are."""


def knn(features: Array, labels: Array) -> float:
    """Return the leave-one-out accuracy, or R^2, of the k nearest neighbours by cosine, for the best of a few k.

    ``f(x_i) = 1/k sum of y_j over the k largest cos(x_i, x_j), j != i``; of classes the largest share counts, equal
    shares are decided for the class of the nearest neighbour.

    Parameters
    ----------
    features : [n, d]. labels : class numbers [n], or values [n] or [n, k] (the mean R^2 of the columns).

    References
    ----------
    Cover and Hart, "Nearest neighbor pattern classification", IEEE Transactions on Information Theory 1967; Renggli et
    al., "Which Model to Transfer? Finding the Needle in the Growing Haystack", CVPR 2022 (as a score of sources).
    """
    return knn_terms(features, labels).value


def knn_terms(features: Array, labels: Array) -> Terms:
    """Return the score as a mean over samples: hits, or ``1 - e_i^2 / var(y)``."""
    x, y = read(features, labels)
    columns = columns_of(y)
    near = _nearest(x, min(max(NUMBERS), len(x) - 1))
    judged = np.stack([_judge(columns, near[:, :k], y) for k in NUMBERS if k <= near.shape[1]])
    return Terms(judged[judged.mean(axis=1).round(12).argmax()])


def _nearest(rows: Array, k: int) -> Array:
    """Return the k rows [n, k] of the largest cosine to each row, nearest first, itself left out."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = (rows / np.where(length > 0, length, 1.0)).astype(np.float32)
    # The whole matrix at once is half of the work, being symmetric; it has room up to some thousand rows.
    step = len(rows) if len(rows) <= WHOLE else BLOCK
    return np.concatenate([_block(unit, start, step, k) for start in range(0, len(rows), step)])


def _block(unit: Array, start: int, step: int, k: int) -> Array:
    from torch import from_numpy

    near = unit @ unit.T if step == len(unit) else unit[start : start + step] @ unit.T
    near[np.arange(len(near)), start + np.arange(len(near))] = -np.inf
    return from_numpy(near).topk(k, dim=1).indices.numpy()  # fifteen times as fast as a partial sort of NumPy


def _judge(columns: Array, near: Array, labels: Array) -> Array:
    votes = columns[near]
    if not is_classes(labels):
        return (1 - (votes.mean(axis=1) - columns) ** 2 / columns.var(axis=0)).mean(axis=1)
    # A nearer neighbour weighs a speck more than all that are farther: it decides between equal shares.
    weight = 1 + 1e-3 * 0.5 ** np.arange(near.shape[1])
    return ((votes * weight[:, None]).sum(axis=1).argmax(axis=1) == labels).astype(np.float64)
