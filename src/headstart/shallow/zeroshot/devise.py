"""DeViSE: every class that comes too near is pushed away."""

from __future__ import annotations

import numpy as np

from headstart.functional.folds import Array
from headstart.shallow.zeroshot.bilinear import rank

STRENGTHS = (0.3, 3.0, 30.0)


def devise(features: Array, labels: Array, attributes: Array, *, strength: float = 3.0, seed: int = 0) -> Array:
    """Return weights [k, d] of ``x V a_k`` lowering ``sum_c max(0, 1 + x V a_c - x V a_y)``, c with samples.

    Parameters
    ----------
    features : [n, d]. labels : [n], rows of ``attributes``. attributes : [k, a], of all classes. strength : the rate.
    seed : of the order of rows.

    References
    ----------
    Frome et al., "DeViSE: A Deep Visual-Semantic Embedding Model", NeurIPS 2013, equation 1.
    """
    return rank(features, labels, attributes, each, strength, seed)


def each(violated: Array) -> Array:
    """Every violating class counts alike."""
    return (violated > 0).astype(np.float64)
