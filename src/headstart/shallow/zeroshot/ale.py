"""ALE: classes that come too near are pushed away by the rank that they cost."""

from __future__ import annotations

import numpy as np

from headstart.functional.folds import Array
from headstart.shallow.zeroshot.bilinear import rank

STRENGTHS = (0.3, 3.0, 30.0)


def ale(features: Array, labels: Array, attributes: Array, *, strength: float = 3.0, seed: int = 0) -> Array:
    """Return weights [k, d] of ``x V a_k`` lowering ``b_r / r sum_c max(0, 1 + x V a_c - x V a_y)``, r violating.

    ``b_r = sum_{i <= r} 1 / i``: the first places of the ranking weigh most.

    Parameters
    ----------
    features : [n, d]. labels : [n], rows of ``attributes``. attributes : [k, a], of all classes. strength : the rate.
    seed : of the order of rows.

    References
    ----------
    Akata et al., "Label-Embedding for Image Classification", TPAMI 2016, equation 10 (weighted approximate ranking).
    """
    return rank(features, labels, attributes, ranked, strength, seed)


def ranked(violated: Array) -> Array:
    """Each violating class weighs ``b_r / r``."""
    wrong = violated > 0
    count = wrong.sum(axis=1)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, violated.shape[1] + 1))])
    return wrong * (harmonic[count] / np.maximum(count, 1))[:, None]
