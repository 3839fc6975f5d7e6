"""Classes by the nearest of their names, in a space that a source of two sides has learned for both."""

from __future__ import annotations

import numpy as np

from headstart.errors import UserError
from headstart.functional.folds import Array

STRENGTHS = (1.0,)
RAW = True
"""It takes features and attributes as they are, not standardised."""


def aligned(features: Array, labels: Array, attributes: Array, *, strength: float = 1.0, seed: int = 0) -> Array:
    """Return weights [k, d], each class's attributes brought to unit length: ``x . a_k / |a_k|``, ranked as cosines.

    Nothing is learned from ``labels``; attributes are what the source's other side makes of the classes' names.

    Parameters
    ----------
    features : [n, d]. labels : [n]. attributes : [k, d]. strength, seed : nothing is chosen or drawn.

    References
    ----------
    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021, section 3.1.
    """
    if attributes.shape[1] != features.shape[1]:
        raise UserError(
            f"aligned compares {features.shape[1]} features with {attributes.shape[1]} attributes; it is for a source "
            "of two sides, whose text side reads the names: leave --words out."
        )
    return attributes / np.maximum(np.linalg.norm(attributes, axis=1, keepdims=True), 1e-12)
