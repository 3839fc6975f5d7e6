"""What a validator may see of an adapted model: `Evidence`, which has no place for a target label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
Refit = Callable[[Any, Array, Any], Array]


class Evidence(NamedTuple):
    """What is known of one adapted model without a label of the target.

    Attributes
    ----------
    source_features : [n, d] source rows that the model was not fitted on. source_labels : [n] their class numbers
        (int), or values (float, which makes it a regression).
    source_outputs : [n, k] probabilities, or [n] values, that the model gives those rows.
    target_features : [m, d] rows. target_outputs : [m, k] probabilities or [m] values of them.
    source_weights : [n] density ratios ``p_target / p_source`` of the source rows where they are known already.
    mapped_source, mapped_target : [n, q] and [m, q], the rows in the space that the model shares between the domains.
    clusters : [m] cluster numbers of the target rows where they are known already.
    refit : ``refit(rows [a, d], labels [a], other rows [b, d]) -> outputs [b, k]`` (or [b]): a model learned from the
        first and asked about the others, for circular validation.
    predict : ``predict(target rows [b, d]) -> outputs [b, k]`` of the model itself, for mixed rows.
    seed : of subsamples, clusters and mixtures.
    """

    source_features: Any
    source_labels: Array
    source_outputs: Array
    target_features: Any
    target_outputs: Array
    source_weights: Array | None = None
    mapped_source: Array | None = None
    mapped_target: Array | None = None
    clusters: Array | None = None
    refit: Refit | None = None
    predict: Callable[[Any], Array] | None = None
    seed: int = 0

    @property
    def regression(self) -> bool:
        """Whether the outputs are values."""
        return np.asarray(self.target_outputs).ndim == 1


def classes_only(evidence: Evidence, name: str) -> Array:
    """Return the target's probabilities [m, k]; refuse a regression in a sentence."""
    if evidence.regression:
        raise ValueError(
            f"The validator '{name}' reads probabilities, and target_outputs holds one value per row; for a regression "
            "choose source_accuracy, importance_weighted, dev or circular."
        )
    return np.asarray(evidence.target_outputs, dtype=np.float64)


def source_losses(evidence: Evidence) -> Array:
    """Return each held-out source row's loss [n]: 0 or 1, or the squared error in units of the labels' variance."""
    labels, outputs = np.asarray(evidence.source_labels), np.asarray(evidence.source_outputs, dtype=np.float64)
    if len(labels) != len(outputs) or evidence.source_features.shape[0] != len(labels) or len(labels) == 0:
        raise ValueError(
            f"source_labels holds {len(labels)} labels, source_outputs {len(outputs)} rows and source_features "
            f"{evidence.source_features.shape[0]}; expected one label and one output for each of at least one source "
            "row."
        )
    if evidence.regression:
        spread = float(labels.var())
        return np.square(outputs - labels) / (spread if spread > 0 else 1.0)
    return (outputs.argmax(axis=1) != labels).astype(np.float64)


def some_rows(n: int, limit: int, seed: int) -> Array:
    """Return all row numbers, or ``limit`` seeded ones in order where there are more."""
    if n <= limit:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, limit, replace=False))
