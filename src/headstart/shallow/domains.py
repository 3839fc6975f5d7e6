"""Rows of two domains in one table: which are the source's, which the target's, and which labels are masked.

``sample_domain`` holds one number per row: positive for a source (several sources: several numbers), negative for a
target. A label that is not known is masked: -1 among whole numbers, NaN among reals, None or NaN among objects.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

Array = np.ndarray
SOURCE, TARGET = 1, -1


class Domains(NamedTuple):
    """Two domains with encoded labels.

    Attributes
    ----------
    source : [n, d] rows, dense float64 or CSR. labels : [n] class numbers (int64), or values (float64).
    target : [m, d] rows. target_labels : [m], -1 or NaN where masked, which is everywhere when there are none.
    source_domain : [n] positive numbers; more than one where there are several sources.
    """

    source: Any
    labels: Array
    target: Any
    target_labels: Array
    source_domain: Array

    @property
    def known(self) -> Array:
        """Row numbers of the target rows that have a label."""
        return (~masked(self.target_labels)).nonzero()[0]

    def labelled(self) -> tuple[Any, Array]:
        """Return every row that has a label, source rows first, with its label."""
        known = self.known
        if len(known) == 0:
            return self.source, self.labels
        return stack(self.source, self.target[known]), np.concatenate([self.labels, self.target_labels[known]])


def masked(labels: Any) -> Array:
    """Return which labels are masked, bool [n]."""
    labels = np.asarray(labels)
    if labels.dtype.kind == "f":
        return np.isnan(labels)
    if labels.dtype.kind in "iu":
        return labels == -1
    if labels.dtype.kind == "O":
        return np.array([label is None or label != label for label in labels], dtype=bool)
    return np.zeros(len(labels), dtype=bool)


def mask(labels: Any, which: Array) -> Array:
    """Return the labels with those of ``which`` (bool [n]) masked; texts become objects."""
    labels = np.asarray(labels)
    if labels.dtype.kind in "USb":
        labels = labels.astype(object)
    hidden = {"f": np.nan, "O": None}.get(labels.dtype.kind, -1)
    out = labels.astype(np.int64) if labels.dtype.kind == "u" else labels.copy()
    out[np.asarray(which, dtype=bool)] = hidden
    return out


def stack(first: Any, second: Any) -> Any:
    """Put rows under rows, dense or sparse."""
    if sparse.issparse(first) or sparse.issparse(second):
        return sparse.csr_matrix(sparse.vstack([first, second]))
    return np.concatenate([first, second])


def which_target(sample_domain: Any, y: Any, n: int) -> Array:
    """Return which of n rows are the target's, bool [n].

    Without ``sample_domain``, rows whose label is masked are the target's.
    """
    if sample_domain is None:
        return masked(y) if y is not None else np.zeros(n, dtype=bool)
    domain = np.asarray(sample_domain)
    if domain.shape != (n,) or domain.dtype.kind not in "iuf" or (domain == 0).any():
        raise ValueError(
            f"sample_domain has shape {domain.shape} and {n} rows were given; expected one number per row, positive "
            "for source rows and negative for target rows."
        )
    return domain < 0
