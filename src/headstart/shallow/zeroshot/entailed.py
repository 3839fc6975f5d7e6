"""Classes by what a text entails: each class is a hypothesis of its own, and nothing is learned from labels."""

from __future__ import annotations

from headstart.errors import UserError
from headstart.functional.folds import Array

STRENGTHS = (1.0,)
RAW = True
"""It takes features and attributes as they are, not standardised."""


def entailed(features: Array, labels: Array, attributes: Array, *, strength: float = 1.0, seed: int = 0) -> Array:
    """Return weights [k, d], the attributes themselves: class j's pick the logit that a text entails its hypothesis.

    Nothing is learned from ``labels``. The softmax of these logits over the classes is the probability of each.

    Parameters
    ----------
    features : [n, d], logits of entailment first. labels : [n]. attributes : [k, d], one 1 each.
    strength, seed : nothing is chosen or drawn.

    References
    ----------
    Yin, Hay and Roth, "Benchmarking Zero-shot Text Classification: Datasets, Evaluation and Entailment Approach",
    EMNLP 2019, section 4.
    """
    if attributes.shape[1] != features.shape[1]:
        raise UserError("entailed is for a source that tells entailment, whose features begin with one per class.")
    return attributes
