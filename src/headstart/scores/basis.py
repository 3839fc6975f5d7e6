"""What several scores of the same features share: checked inputs, and one decomposition, never D x D when n < D."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headstart.errors import UserError
from headstart.functional.reuse import reused

Array = np.ndarray
SMALLEST = 1e-200
"""Squared singular value of features that are all 0, so that logarithms stay finite."""


class Economy(NamedTuple):
    """The thin decomposition ``X = U diag(s) V'`` of rows X [n, d]: ``left`` U [n, r], ``squares`` s^2 [r], rising."""

    left: Array
    squares: Array

    @property
    def rows(self) -> Array:
        """The rows on their principal axes [n, r]: distances, angles and inner products are those of X."""
        return self.left * np.sqrt(self.squares)


def economy(features: Array, centred: bool = True) -> Economy:
    """Decompose features [n, d], about their mean unless told otherwise, through the smaller of ``X X'`` and ``X' X``.

    Directions below 1e-13 are left out. Inside `headstart.functional.reuse.reusing` all scores of the same features
    share it: what turns or moves with the features can be had from it alone.
    """
    return _decompose(np.asarray(features, dtype=np.float64), centred)


@reused
def _decompose(x: Array, centred: bool) -> Economy:
    x = x - x.mean(axis=0) if centred else x
    n, d = x.shape
    squares, vectors = np.linalg.eigh(x @ x.T if n < d else x.T @ x)
    keep = squares >= squares[-1] * 1e-13
    squares, vectors = np.maximum(squares[keep], SMALLEST), vectors[:, keep]
    return Economy(vectors if n < d else (x @ vectors) / np.sqrt(squares), squares)


def leading(features: Array, dimensions: int) -> Array:
    """Return the rows about their mean on their leading principal axes: [n, min(r, dimensions)]."""
    basis = economy(features)
    able = max(1, int((basis.squares >= basis.squares[-1] * 1e-10).sum()))
    return basis.rows[:, ::-1][:, : min(dimensions, able)]


def read(features: Array, labels: Array) -> tuple[Array, Array]:
    """Return features as float64 [n, d], and labels as class numbers 0 to k - 1 [n], or as values [n, k].

    Whole numbers [n] are classes; floats are values, of one target [n] or several [n, k]. A set of labels is read as
    values 0 and 1. Classes without a sample are left out of the count.

    Raises
    ------
    UserError
        If rows and labels do not fit, a number is not finite, or there is only one class or value.
    """
    x, y = np.asarray(features, dtype=np.float64), np.asarray(labels)
    if x.ndim != 2 or len(x) != len(y) or len(x) < 2 or not x.shape[1]:
        raise UserError(
            f"A score needs features [n, d] of 2 or more samples with a label each, and got {list(x.shape)} and "
            f"{list(y.shape)}; give one row and one label per sample."
        )
    if not np.isfinite(x).all():
        row = int(np.flatnonzero(~np.isfinite(x).all(axis=1))[0])
        raise UserError(f"The features of sample {row} are not finite; leave the sample out or mend the source.")
    if y.dtype.kind in "iub":
        if y.ndim != 1:
            raise UserError(f"Class numbers are one per sample, and got {list(y.shape)}; give label sets as floats.")
        y = np.unique(y, return_inverse=True)[1].astype(np.int64)
        constant = y.max() == 0
    else:
        y = y.astype(np.float64).reshape(len(y), -1)
        if not np.isfinite(y).all():
            raise UserError("A label is not finite; leave samples without a label out.")
        constant = bool((y == y[0]).all())
    if constant:
        raise UserError("All labels are the same, so no source can be told from another; give two classes or values.")
    return x, y


def classes_of(labels: Array, score: str) -> Array:
    """Refuse values where a score is of classes only; ``labels`` are as `read` returns them."""
    if labels.ndim != 1:
        raise UserError(f"{score} is defined for one class per sample, and these labels are values; use LogME instead.")
    return labels


def is_classes(labels: Array) -> bool:
    """Return whether labels, as `read` returns them, are classes."""
    return labels.ndim == 1


def columns_of(labels: Array) -> Array:
    """Return 0/1 columns of classes, or values that vary as they are: [n, k]."""
    if labels.ndim == 1:
        return np.eye(int(labels.max()) + 1)[labels]
    return labels[:, (labels != labels[0]).any(axis=0)]


def class_means(rows: Array, labels: Array) -> tuple[Array, Array]:
    """Return the mean row of every class [k, d] and its share [k]."""
    shares = np.bincount(labels) / len(labels)
    return (columns_of(labels).T @ rows) / (shares[:, None] * len(labels)), shares


class Terms(NamedTuple):
    """A score as a mean over samples, so that it can be resampled: its value is ``per_sample.mean()``, [n]."""

    per_sample: Array

    @property
    def value(self) -> float:
        return float(self.per_sample.mean())
