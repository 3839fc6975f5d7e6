"""SJE: the class that comes nearest is pushed away."""

from __future__ import annotations

import numpy as np

from headstart.functional.folds import Array
from headstart.shallow.zeroshot.bilinear import rank

STRENGTHS = (0.3, 3.0, 30.0)


def sje(features: Array, labels: Array, attributes: Array, *, strength: float = 3.0, seed: int = 0) -> Array:
    """Return weights [k, d] of ``x V a_k`` lowering ``max_c max(0, 1 + x V a_c - x V a_y)``, c with samples.

    Parameters
    ----------
    features : [n, d]. labels : [n], rows of ``attributes``. attributes : [k, a], of all classes. strength : the rate.
    seed : of the order of rows.

    References
    ----------
    Akata et al., "Evaluation of Output Embeddings for Fine-Grained Image Classification", CVPR 2015, equation 3.
    """
    return rank(features, labels, attributes, worst, strength, seed)


def worst(violated: Array) -> Array:
    """The most violating class counts alone."""
    found = np.zeros_like(violated)
    rows = np.flatnonzero(violated.max(axis=1) > 0)
    found[rows, violated[rows].argmax(axis=1)] = 1.0
    return found
