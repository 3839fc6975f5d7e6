"""What every method across domains is to scikit-learn: a transformer or a predictor that is told ``sample_domain``.

``sample_domain`` is routed metadata (``sklearn.set_config(enable_metadata_routing=True)``): a `Pipeline` and a
`GridSearchCV` pass it on to every step without being asked. When it is left out, rows whose label is masked are the
target's in `fit`, and all rows are the target's afterwards.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from headstart.isolated import Isolated
from headstart.shallow.domains import Domains, masked, stack, which_target

Array = np.ndarray


class DomainAware(Isolated, BaseEstimator, ABC):
    """Opens ``X, y, sample_domain`` as `Domains`, and asks for ``sample_domain`` wherever metadata are routed.

    A subclass says ``sparse_input = True`` where it can take CSR rows.
    """

    __metadata_request__fit: ClassVar = {"sample_domain": True}
    sparse_input: ClassVar[bool] = False

    @abstractmethod
    def _learn(self, domains: Domains) -> None:
        """Learn from two domains with encoded labels."""

    def _rows(self, X: Any, *, reset: bool) -> Any:
        accept = "csr" if self.sparse_input else False
        return validate_data(self, X, reset=reset, accept_sparse=accept, dtype=np.float64)

    def _open(self, X: Any, y: Any, sample_domain: Any, kind: str) -> Domains:
        """Check and split. ``kind``: classification, regression, or "any" for what the labels look like."""
        X = self._rows(X, reset=True)
        n = X.shape[0]
        if y is None:
            y, kind = np.full(n, -1), "unlabelled"
        y = _column(y, n)
        known = np.zeros(n, dtype=bool) if kind == "unlabelled" else ~masked(y)
        if sample_domain is None and kind != "regression" and y.dtype.kind in "iu" and len(np.unique(y[known])) < 2:
            known[:] = kind != "unlabelled"  # two classes named -1 and 1, none of them masked
        target = ~known if sample_domain is None and kind != "unlabelled" else which_target(sample_domain, None, n)
        if kind == "any":
            kind = "regression" if type_of_target(_plain(y[known])).startswith("continuous") else "classification"
        labels = self._encode(y, known, kind)
        whole = sample_domain is None and not target.any()
        if target.all() or not (whole or target.any()):
            missing = "source" if target.all() else "target"
            raise ValueError(f"No row of {n} belongs to the {missing} domain; rows of both domains are needed.")
        numbers = np.ones(n, dtype=np.int64) if sample_domain is None else np.asarray(sample_domain).astype(np.int64)
        if kind != "unlabelled" and masked(labels[~target]).any():
            row = int((masked(labels) & ~target).nonzero()[0][0])
            raise ValueError(f"The label of source row {row} is masked; every source row needs its label.")
        if whole:
            hidden = np.full(n, -1) if labels.dtype.kind == "i" else np.full(n, np.nan)
            return Domains(X, labels, X, hidden, numbers)
        return Domains(X[~target], labels[~target], X[target], labels[target], numbers[~target])

    def _encode(self, y: Array, known: Array, kind: str) -> Array:
        if kind == "regression":
            values = np.asarray(y, dtype=np.float64)
            if np.isinf(values).any():
                raise ValueError("Input y contains infinity; every label must be a finite number.")
            return values
        if kind == "unlabelled":
            return y
        if y.dtype.kind == "f" and np.isinf(y).any():
            raise ValueError("Input y contains infinity; every label must be a class.")
        check_classification_targets(_plain(y[known]))
        self.classes_, numbers = np.unique(_plain(y[known]), return_inverse=True)
        encoded = np.full(len(y), -1, dtype=np.int64)
        encoded[known] = numbers
        return encoded

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.sparse_input
        return tags


def _column(y: Any, n: int) -> Array:
    from sklearn.utils import check_consistent_length, column_or_1d

    y = column_or_1d(y, warn=True) if not (isinstance(y, np.ndarray) and y.dtype.kind == "O" and y.ndim == 1) else y
    check_consistent_length(y, np.empty(n))
    return np.asarray(y)


def _plain(labels: Array) -> Array:
    return np.array(labels.tolist()) if labels.dtype.kind == "O" else labels


def by_domain(rows: Any, target: Array, map_rows: Any) -> Array:
    """Return ``map_rows(rows, is_source)`` of each domain's rows, put back in the rows' order."""
    if target.all() or not target.any():
        return map_rows(rows, not target.all())
    first = map_rows(rows[~target], True)
    if sparse.issparse(first):
        back = np.argsort(np.concatenate([(~target).nonzero()[0], target.nonzero()[0]]))
        return stack(first, map_rows(rows[target], False))[back]
    out = np.empty((len(target), *first.shape[1:]), dtype=first.dtype)
    out[~target], out[target] = first, map_rows(rows[target], False)
    return out


def _all_target(sample_domain: Any, n: int) -> Array:
    return np.ones(n, dtype=bool) if sample_domain is None else which_target(sample_domain, None, n)


class DomainTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, DomainAware):
    """Maps the rows of two domains into one space: the one-level base of feature methods.

    A subclass writes ``_learn(domains)`` and ``_map(rows, is_source) -> [n, q]``, both for new rows and for those
    that it was fitted on, in any order.
    """

    __metadata_request__transform: ClassVar = {"sample_domain": True}
    needs_labels: ClassVar[bool] = False
    label_free: ClassVar[bool] = False
    """Whether the map is a function of the rows alone: labels, where there are some, change nothing."""

    @abstractmethod
    def _map(self, rows: Any, is_source: bool) -> Array:
        """Map rows of one domain."""

    def rows_of(self, shell: DomainAware, X: Any, *, reset: bool) -> Any:
        """Check rows as a shell takes them that maps with a twin of this, in `fit` (``reset``) and afterwards."""
        return DomainAware._rows(shell, X, reset=reset)

    def fit(self, X: Any, y: Any = None, sample_domain: Any = None) -> Self:
        """Learn the map from rows X [n, d] of both domains; labels y are used where the method can."""
        if y is None and self.needs_labels:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        domains = self._open(X, y, sample_domain, "any")
        self._learn(domains)
        self._n_features_out = self._map(domains.target[:1], False).shape[1]
        return self

    def transform(self, X: Any, sample_domain: Any = None) -> Array:
        """Map rows into the shared space; rows are the target's unless ``sample_domain`` says otherwise."""
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        return by_domain(rows, _all_target(sample_domain, rows.shape[0]), self._map)

    def fit_transform(self, X: Any, y: Any = None, sample_domain: Any = None) -> Array:  # pyright: ignore
        """Fit, and map the same rows, each by its own domain's map."""
        self.fit(X, y, sample_domain=sample_domain)
        if sample_domain is None and y is not None and (hidden := masked(y)).any():
            sample_domain = np.where(hidden, -1, 1)
        return self.transform(X, sample_domain=sample_domain)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.needs_labels
        return tags


class Predictor(DomainAware):
    """What classifiers and regressors across domains share."""

    __metadata_request__predict: ClassVar = {"sample_domain": True}

    @abstractmethod
    def _outputs(self, rows: Any, is_source: bool) -> Array:
        """Return probabilities [n, k], or values [n], of rows of one domain."""

    def _answer(self, X: Any, sample_domain: Any) -> Array:
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        return by_domain(rows, _all_target(sample_domain, rows.shape[0]), self._outputs)

    def _start(self, X: Any, y: Any, sample_domain: Any, kind: str) -> Domains:
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        domains = self._open(X, y, sample_domain, kind)
        if kind == "classification" and len(self.classes_) < 2:
            raise ValueError(f"y has one class only ({self.classes_[0]!r}); a classifier needs two or more classes.")
        return domains

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def dense(rows: Any) -> Array:
    """Return rows as a dense array."""
    return rows.toarray() if sparse.issparse(rows) else rows
