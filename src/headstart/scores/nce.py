"""Negative conditional entropy: what the source's hard answers leave open of the target's classes."""

from __future__ import annotations

import numpy as np

from headstart.errors import UserError
from headstart.scores.basis import Array, classes_of, columns_of, read


def nce(predictions: Array, labels: Array) -> float:
    """Return ``-H(Y | Z) = sum_{y, z} P(y, z) log P(y | z)`` in nats, at most 0.

    Parameters
    ----------
    predictions : the source's own classes z of target samples: numbers [n], or probabilities [n, q] whose largest
        counts.
    labels : class numbers [n].

    References
    ----------
    Tran, Nguyen and Hassner, "Transferability and Hardness of Supervised Classification Tasks", ICCV 2019, equation 5.
    """
    answers = np.asarray(predictions)
    if answers.ndim == 2:
        answers = answers.argmax(axis=1)
    elif answers.ndim != 1 or answers.dtype.kind not in "iu":
        raise UserError("NCE reads the source's class of each sample; give class numbers [n] or probabilities [n, q].")
    _, y = read(answers[:, None], labels)
    z = np.unique(answers, return_inverse=True)[1]
    joint = columns_of(z).T @ columns_of(classes_of(y, "NCE")) / len(y)
    return float((joint * np.log(np.where(joint > 0, joint / joint.sum(axis=1, keepdims=True), 1.0))).sum())
