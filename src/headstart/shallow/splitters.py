"""Splitters that know which domain a row belongs to, by routed ``sample_domain``.

They part rows and mask nothing: mask the target's labels in y (-1, NaN or None) before a search, as
`headstart.shallow.domains.mask` does, or every part that holds target rows also holds their labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from headstart.shallow.domains import masked, which_target

Array = np.ndarray
Parts = Iterator[tuple[Array, Array]]


class _Splitter(BaseEstimator):
    """Asks for ``sample_domain`` wherever metadata are routed."""

    __metadata_request__split: ClassVar = {"sample_domain": True}
    n_splits: int

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None, sample_domain: Any = None) -> int:
        """Return the number of splits."""
        return self.n_splits


def _n_rows(X: Any) -> int:
    return X.shape[0] if hasattr(X, "shape") else len(X)


def _domains(splitter: Any, sample_domain: Any, n: int) -> Array:
    if sample_domain is None:
        raise ValueError(f"{type(splitter).__name__} needs sample_domain: one number per row, negative for targets.")
    which_target(sample_domain, None, n)
    return np.asarray(sample_domain)


def _strata(y: Any, domain: Array) -> Array:
    """Return one number per row for its domain and its label, masked labels being one of their own."""
    if y is None:
        return np.unique(domain, return_inverse=True)[1]
    labels = np.asarray(y)
    hidden = masked(labels)
    texts = np.where(hidden, "", labels.astype(str)) if labels.dtype.kind != "f" else np.full(len(labels), "")
    return np.unique(np.char.add(domain.astype(str), texts), return_inverse=True)[1]


def _deal(strata: Array, n_folds: int, rng: np.random.Generator) -> Array:
    """Number folds within each stratum, going on from one stratum to the next so that folds are of one size."""
    fold, start = np.empty(len(strata), dtype=int), 0
    for value in np.unique(strata):
        rows = rng.permutation((strata == value).nonzero()[0])
        fold[rows] = (start + np.arange(len(rows))) % n_folds
        start += len(rows)
    return fold


@dataclass(kw_only=True, eq=False, repr=False)
class SourceTargetSplit(_Splitter):
    """Folds over the source; every target row is in every training part and in every test part.

    The transductive split of label-free choosing: target inputs may be learned from, their labels are masked, and a
    label-free scorer reads held-out source rows and all target rows.

    Parameters
    ----------
    n_splits : folds of source rows, stratified by class and by source. seed : of the folds.
    """

    n_splits: int = 5
    seed: int = 0

    def split(self, X: Any, y: Any = None, groups: Any = None, sample_domain: Any = None) -> Parts:
        """Yield row numbers of training and test parts."""
        n = _n_rows(X)
        domain = _domains(self, sample_domain, n)
        target, source = (domain < 0).nonzero()[0], (domain > 0).nonzero()[0]
        if len(source) < self.n_splits:
            raise ValueError(f"n_splits is {self.n_splits}, but there are {len(source)} source rows to part.")
        labels = None if y is None else np.asarray(y)[source]
        fold = _deal(_strata(labels, domain[source]), self.n_splits, np.random.default_rng(self.seed))
        for number in range(self.n_splits):
            yield (
                np.sort(np.concatenate([source[fold != number], target])),
                np.sort(np.concatenate([source[fold == number], target])),
            )


@dataclass(kw_only=True, eq=False, repr=False)
class StratifiedDomainShuffleSplit(_Splitter):
    """Shuffled splits that keep the share of every domain, and of every class within it, in both parts.

    Parameters
    ----------
    n_splits : how many. test_size : share of the rows in the test part. seed : of the shuffles.
    """

    n_splits: int = 5
    test_size: float = 0.2
    seed: int = 0

    def split(self, X: Any, y: Any = None, groups: Any = None, sample_domain: Any = None) -> Parts:
        """Yield row numbers of training and test parts."""
        if not 0 < self.test_size < 1:
            raise ValueError(f"test_size is {self.test_size}; expected a share between 0 and 1.")
        domain = _domains(self, sample_domain, _n_rows(X))
        strata = _strata(y, domain)
        rng = np.random.default_rng(self.seed)
        for _ in range(self.n_splits):
            held = np.zeros(len(domain), dtype=bool)
            for value in np.unique(strata):
                rows = rng.permutation((strata == value).nonzero()[0])
                held[rows[: round(self.test_size * len(rows))]] = True
            if held.all() or not held.any():
                raise ValueError(f"test_size={self.test_size} leaves one part of {len(domain)} rows empty.")
            yield (~held).nonzero()[0], held.nonzero()[0]


@dataclass(kw_only=True, eq=False, repr=False)
class LeaveOneDomainOut(_Splitter):
    """Each domain number in turn is the test part, all others are the training part."""

    n_splits: ClassVar[int] = 0  # pyright: ignore[reportIncompatibleVariableOverride]

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None, sample_domain: Any = None) -> int:
        """Return the number of domains."""
        if sample_domain is None:
            raise ValueError("LeaveOneDomainOut needs sample_domain to count the domains.")
        return len(np.unique(sample_domain))

    def split(self, X: Any, y: Any = None, groups: Any = None, sample_domain: Any = None) -> Parts:
        """Yield row numbers of training and test parts, in the order of the domains' numbers."""
        domain = _domains(self, sample_domain, _n_rows(X))
        numbers = np.unique(domain)
        if len(numbers) < 2:
            raise ValueError(f"All rows belong to domain {numbers[0]}; leaving it out leaves nothing to train on.")
        for number in numbers:
            yield (domain != number).nonzero()[0], (domain == number).nonzero()[0]
