"""What maps into kernel spaces share: unit rows, coordinates of a kernel, the map of new rows, pseudo-labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from headstart.functional.kernels import KernelBasis, kernel_basis, squared_norms, unit_rows
from headstart.shallow.domains import Domains, stack
from headstart.shallow.features.mmd_matrix import Space, penalised_coefficients, penalised_map, with_fixed_signs

Array = np.ndarray
FEW = 10
"""Up to so many numbers a row's length says too much to be divided out unasked."""


class KernelMap(NamedTuple):
    """``x -> k(x, landmarks) @ coefficients``, with rows brought to unit length before and after where asked."""

    basis: KernelBasis
    coefficients: Array
    unit_inputs: bool
    unit_outputs: bool

    def __call__(self, rows: Any) -> Array:
        """Map rows [n, d] to [n, q]."""
        rows = unit_rows(rows) if self.unit_inputs else rows
        plain = self.basis._replace(mix=self.coefficients)
        out = plain(rows) if self.basis.landmarks is not None else np.asarray(rows @ self.coefficients)
        return unit_rows(out) if self.unit_outputs else out


class Opened(NamedTuple):
    """Both domains' rows, source first, in the coordinates of one kernel."""

    basis: KernelBasis
    rows: Array
    unit_inputs: bool
    normalise: bool | None

    def closed(self, *parts: Array) -> list[KernelMap]:
        """Return a map for each of ``parts`` [r, q], directions in these coordinates whose signs belong together."""
        folded = with_fixed_signs(np.concatenate([self.basis.folded(part) for part in parts]))
        unit_outputs = wants_unit(self.normalise, folded.shape[1])
        return [KernelMap(self.basis, piece, self.unit_inputs, unit_outputs) for piece in np.split(folded, len(parts))]

    def mapped(self, directions: Array) -> Array:
        """Return all rows on ``directions`` [r, q], as the map gives them up to signs."""
        out = self.rows @ directions
        return unit_rows(out) if wants_unit(self.normalise, directions.shape[1]) else out


def wants_unit(normalise: bool | None, n_numbers: int) -> bool:
    """Return whether rows of so many numbers are brought to unit length."""
    return n_numbers > FEW if normalise is None else bool(normalise)


def open_rows(
    domains: Domains, kernel: str, *, width: float | None, landmarks: int | None, normalise: bool | None, seed: int
) -> Opened:
    """Return both domains in a kernel's coordinates; "primal" is the linear kernel."""
    rows = stack(domains.source, domains.target)
    unit = wants_unit(normalise, rows.shape[1])
    rows = unit_rows(rows) if unit else rows
    basis = kernel_basis(rows, "linear" if kernel == "primal" else kernel, width=width, landmarks=landmarks, seed=seed)
    return Opened(basis, basis(rows), unit, normalise)


def penalised(opened: Opened, kernel: str, strength: float) -> Space:
    """Return the space with the penalty on the map ("primal") or on the rows' coefficients (a kernel's name)."""
    if not strength > 0:
        raise ValueError(f"strength is {strength}; expected a number above 0.")
    return (penalised_map if kernel == "primal" else penalised_coefficients)(opened.rows, strength)


def need_classes(domains: Domains, name: str) -> int:
    """Return the number of classes, or say that there are none."""
    if domains.labels.dtype.kind == "f":
        raise ValueError(
            f"{name} aligns classes and y holds continuous values; expected class labels (TCA needs none)."
        )
    return int(max(domains.labels.max(), domains.target_labels.max())) + 1


class Alternation(NamedTuple):
    """Where pseudo-labels and directions ended."""

    directions: Array
    pseudo: Array
    n_rounds: int


def alternate(
    opened: Opened,
    domains: Domains,
    learn: Callable[[Array | None, Array], Array],
    *,
    classifier: Any,
    n_iterations: int,
) -> Alternation:
    """Learn directions from pseudo-labels and pseudo-labels from directions until they repeat.

    Parameters
    ----------
    learn : ``(pseudo-labels [m] or None at first, all mapped rows) -> directions [r, q]``.
    """
    n = len(domains.labels)
    pseudo, mapped, rounds = None, opened.rows, 0
    while True:
        directions, before = learn(pseudo, mapped), pseudo
        mapped, rounds = opened.mapped(directions), rounds + 1
        pseudo = pseudo_labels(classifier, mapped[:n], mapped[n:], domains)
        if rounds >= n_iterations or (before is not None and np.array_equal(pseudo, before)):
            return Alternation(directions, pseudo, rounds)


def pseudo_labels(classifier: Any, source: Array, target: Array, domains: Domains) -> Array:
    """Return a class number per target row [m]: its known label, or the classifier's, fitted on all labelled rows.

    Parameters
    ----------
    classifier : any scikit-learn classifier; None for the nearest neighbour. source, target : mapped rows.
    """
    known = domains.known
    rows = np.concatenate([source, target[known]])
    labels = np.concatenate([domains.labels, domains.target_labels[known]])
    if classifier is None:
        out = nearest_labels(rows, labels, target)
    elif len(np.unique(labels)) < 2:
        out = np.full(len(target), labels[0])
    else:
        twin: Any = clone(classifier)
        out = np.array(twin.fit(rows, labels).predict(target))
    out[known] = domains.target_labels[known]
    return out


def nearest_labels(rows: Array, labels: Array, queries: Array, block: int = 2000) -> Array:
    """Return the label of the nearest of rows [n, q] for every query [m, q]; of equally near ones the first."""
    half = squared_norms(rows) / 2
    found = [(half - queries[start : start + block] @ rows.T).argmin(axis=1) for start in range(0, len(queries), block)]
    return labels[np.concatenate(found)]
