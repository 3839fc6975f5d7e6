"""ESZSL: a bilinear map between features and attributes, in closed form."""

from __future__ import annotations

import numpy as np

from headstart.functional.folds import Array

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)


def eszsl(features: Array, labels: Array, attributes: Array, *, strength: float = 10.0, seed: int = 0) -> Array:
    """Return weights [k, d] of ``x V a_k`` with ``V = (X'X + g I)^-1 X'Y A (A'A + l I)^-1``.

    Y [n, s] is 1 for a row's class and -1 for the other s classes with samples, A [s, a] their attributes; g is
    ``strength``, l the mean of A'A's diagonal over 100.

    Parameters
    ----------
    features : [n, d], of variance 1. labels : [n], rows of ``attributes``. attributes : [k, a], of all classes.
    seed : nothing is drawn.

    References
    ----------
    Romera-Paredes and Torr, "An embarrassingly simple approach to zero-shot learning", ICML 2015, equation 9.
    """
    seen = np.unique(labels)
    known = attributes[seen]
    wanted = 2.0 * (labels[:, None] == seen) - 1
    left = features.T @ features + strength * np.eye(features.shape[1])
    right = known.T @ known
    right += max(np.trace(right) / len(right) / 100, 1e-9) * np.eye(len(right))
    middle = np.linalg.solve(left, features.T @ wanted @ known)
    return attributes @ np.linalg.solve(right, middle.T)
