"""Means of classes, for heads that have nothing else."""

from __future__ import annotations

import numpy as np

from headstart.errors import UserError
from headstart.kinds import KINDS
from headstart.shallow.heads.labels import Array


def classes_alone(name: str, kind: str, labels: Array) -> Array:
    """Return class numbers [n]; refuse a kind of task that has no classes to tell apart."""
    if not KINDS[kind].one_class:
        raise UserError(f"{name} takes the mean of each class, and a {kind} task has none; choose probe or knn.")
    return np.asarray(labels).astype(np.int64)


def means_of(features: Array, labels: Array, k: int) -> tuple[Array, Array]:
    """Return means [k, d], zeros for a class without a row, and which classes have one [k].

    Examples
    --------
    >>> means, there = means_of(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 2]), 3)
    >>> means.ravel().tolist(), there.tolist()
    ([2.0, 0.0, 5.0], [True, False, True])
    """
    members = np.eye(k)[labels]
    counts = members.sum(axis=0)
    return members.T @ features / np.maximum(counts, 1)[:, None], counts > 0
