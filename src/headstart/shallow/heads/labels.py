"""Labels as the arrays that models without gradients take, outputs as answers, and features that none can take.

``kind`` is the name of a loss here: that by which a task is solved (`headstart.kinds.LabelSpace.solved_as`).
"""

from __future__ import annotations

import numpy as np

from headstart.errors import UserError
from headstart.functional.linear import probabilities
from headstart.kinds import KINDS
from headstart.kinds.base import Link

Array = np.ndarray


def link_of(kind: str) -> Link:
    """Return what turns raw outputs into predictions."""
    return KINDS[kind].link


def as_labels(labels: Array, kind: str) -> Array:
    """Return labels as int64 [n] for classification, else float64 [n, k]."""
    labels = np.asarray(labels)
    if KINDS[kind].one_class:
        return labels.astype(np.int64)
    labels = labels.astype(np.float64)
    return labels[:, None] if labels.ndim == 1 else labels


def count_outputs(labels: Array, kind: str) -> int:
    """Return the number of outputs that the labels themselves show."""
    return int(labels.max()) + 1 if KINDS[kind].one_class else labels.shape[1]


def indicators(labels: Array, kind: str, n_outputs: int) -> Array:
    """Return labels as 0/1 rows [n, k]; a regression's values as they are."""
    return np.eye(n_outputs)[labels] if KINDS[kind].one_class else labels


def answers(outputs: Array, kind: str) -> Array:
    """Return class numbers [n], 0/1 label sets [n, k], or values [n, k], of raw outputs [n, k]."""
    link = link_of(kind)
    if link == "softmax":
        return outputs.argmax(axis=1)
    return (outputs > 0).astype(np.int64) if link == "sigmoid" else outputs


def shares(outputs: Array, kind: str) -> Array:
    """Return the probabilities [n, k] of raw outputs [n, k]."""
    refuse_values(kind)
    return probabilities(outputs, link_of(kind))


def refuse_values(kind: str) -> None:
    """Refuse to give probabilities of values.

    Raises
    ------
    ValueError : outputs of this kind are values.
    """
    if link_of(kind) == "identity":
        raise ValueError(f"A model of kind '{kind}' gives values, which have no probabilities; call predict.")


def balance(labels: Array) -> Array:
    """Return weights [n] of class numbers [n] under which every class that is there counts alike; their mean is 1.

    Examples
    --------
    >>> balance(np.array([0, 0, 0, 1])).tolist()
    [0.6666666666666666, 0.6666666666666666, 0.6666666666666666, 2.0]
    """
    _, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return (len(labels) / (len(counts) * counts))[numbers]


def check_features(features: Array, labels: Array) -> None:
    """Refuse features that no model can be fitted on, in one sentence."""
    if features.ndim != 2 or len(features) != len(labels) or len(features) < 2:
        raise UserError(
            f"Features [n, d] and n labels with n >= 2 are needed; got features of shape {features.shape} and labels "
            f"of shape {labels.shape}."
        )
    if not np.isfinite(features).all():
        row = int(np.argwhere(~np.isfinite(features))[0][0])
        raise UserError(f"The features of row {row} hold NaN or infinity; check that sample and the network.")
