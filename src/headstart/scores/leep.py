"""LEEP and NCE: how well the source's own answers tell the target's classes."""

from __future__ import annotations

import numpy as np

from headstart.errors import UserError
from headstart.scores.basis import Array, classes_of, columns_of, read

SMALLEST = 1e-300


def leep(predictions: Array, labels: Array) -> float:
    """Return the mean log of the expected empirical prediction, at most 0.

    ``LEEP = 1/n sum_i log sum_z P(y_i | z) theta(x_i)_z`` with ``P(y, z) = 1/n sum_i theta(x_i)_z [y_i = y]``.

    Parameters
    ----------
    predictions : the source model's probabilities theta of its own classes z for target samples, [n, q].
    labels : class numbers [n].

    References
    ----------
    Nguyen, Hassner, Seeger and Archambeau, "LEEP: A New Measure to Evaluate Transferability of Learned
    Representations", ICML 2020, equations 1 and 2.
    """
    theta, y = read(predictions, labels)
    if (theta < 0).any() or not np.allclose(theta.sum(axis=1), 1, atol=1e-3):
        raise UserError("LEEP reads the source's probabilities, rows of sum 1; give its softmax outputs, not logits.")
    joint = theta.T @ columns_of(classes_of(y, "LEEP"))
    given = joint / np.maximum(joint.sum(axis=1, keepdims=True), SMALLEST)
    expected = (theta * given[:, y].T).sum(axis=1)
    return float(np.log(np.maximum(expected, SMALLEST)).mean())
