"""Shells that join a method across domains to any estimator: `Adapted`, `Reweighted`, `LabelledOnly`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_regressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_consistent_length, column_or_1d, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from headstart.errors import nearest
from headstart.isolated import Isolated
from headstart.shallow.adaptation import Array, _Predictor
from headstart.shallow.domains import Domains, masked, stack
from headstart.shallow.heterogeneous.blocks import BlockTransformer, block_rows
from headstart.shallow.tuned import TunedLogistic

WeightFunction = Callable[..., Array]


def uniform_weights(source: Any, target: Any, *, labels: Array | None = None, seed: int = 0) -> Array:
    """Return ones [n]: no reweighting."""
    return np.ones(source.shape[0])


def weight_function(weights: str | WeightFunction) -> WeightFunction:
    """Return the function that ``weights`` names: ``uniform``, or a reweighting of the catalogue."""
    from headstart import catalogue

    if callable(weights):
        return weights
    known = {entry.name: entry for entry in catalogue.METHODS if entry.kind == "weights"}
    if weights == "uniform":
        return uniform_weights
    if weights not in known:
        raise ValueError(f"weights is {weights!r}, which is no reweighting; {nearest(str(weights), known)}")
    return known[weights].load()


def _twin(estimator: Any) -> Any:
    """Return an unfitted copy."""
    return clone(estimator)


def _gives_probabilities(shell: Any) -> bool:
    return not is_regressor(shell)


class _Shell(MetaEstimatorMixin, _Predictor):
    """A predictor that is a classifier or a regressor as its estimator is."""

    __metadata_request__predict_proba: ClassVar = {"sample_domain": True}
    __metadata_request__score: ClassVar = {"sample_domain": True, "sample_weight": None}
    estimator: Any

    def _inner(self) -> Any:
        return TunedLogistic() if self.estimator is None else self.estimator

    def fit(self, X: Any, y: Any, sample_domain: Any = None) -> Self:
        """Learn from rows X [n, d] of both domains; labels y [n] of the target may be masked."""
        kind = "regression" if is_regressor(self._inner()) else "classification"
        self._learn(self._start(X, y, sample_domain, kind))
        return self

    def predict(self, X: Any, sample_domain: Any = None) -> Array:
        """Return the class or value of each row [n]; rows are the target's unless said otherwise."""
        outputs = self._answer(X, sample_domain)
        if is_regressor(self):
            return outputs
        chosen = outputs.argmax(axis=1)
        return self.classes_[chosen]

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any, sample_domain: Any = None) -> Array:
        """Return the probabilities [n, k] of `classes_`."""
        return self._answer(X, sample_domain)

    def score(self, X: Any, y: Any, sample_domain: Any = None, sample_weight: Any = None) -> float:
        """Return accuracy, or R^2 for a regression."""
        measure = r2_score if is_regressor(self) else accuracy_score
        return float(measure(y, self.predict(X, sample_domain), sample_weight=sample_weight))

    def _fit_inner(self, rows: Any, labels: Array, weights: Array | None = None) -> None:
        inner = _twin(self._inner())
        self.estimator_ = inner.fit(rows, labels) if weights is None else inner.fit(rows, labels, sample_weight=weights)

    def _ask_inner(self, rows: Any) -> Array:
        if is_regressor(self):
            return np.asarray(self.estimator_.predict(rows), dtype=np.float64)
        out = np.zeros((rows.shape[0], len(self.classes_)))
        if hasattr(self.estimator_, "predict_proba"):
            out[:, self.estimator_.classes_] = self.estimator_.predict_proba(rows)
        else:
            out[np.arange(len(out)), self.estimator_.predict(rows)] = 1.0
        return out

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._inner())
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.input_tags.sparse = self.sparse_input and inner.input_tags.sparse
        tags.non_deterministic = inner.non_deterministic
        return tags


@dataclass(kw_only=True, eq=False, repr=False)
class Adapted(_Shell):
    """Any estimator on the features that a `DomainTransformer` shares between two domains.

    Fitted on every mapped row that has a label; new rows are mapped by the target's map.

    Parameters
    ----------
    transformer : a `DomainTransformer`; None leaves the features as they are (source-only, with labelled target rows
        pooled in).
    estimator : classifier or regressor; None for `TunedLogistic`.

    Attributes
    ----------
    transformer_, estimator_, classes_ (classification).
    """

    sparse_input: ClassVar[bool] = True
    transformer: Any = None
    estimator: Any = None

    def _rows(self, X: Any, *, reset: bool) -> Any:
        if not isinstance(self.transformer, BlockTransformer):
            return super()._rows(X, reset=reset)
        return block_rows(self, X, None if reset else self.transformer_.blocks_, reset=reset)

    def _learn(self, domains: Domains) -> None:
        self.transformer_: Any = None
        known = domains.known
        source, target = domains.source, domains.target[known]
        if self.transformer is not None:
            self.transformer_ = twin = _twin(self.transformer)
            rows = stack(domains.source, domains.target)
            labels = np.concatenate([domains.labels, domains.target_labels])
            domain = np.concatenate([domains.source_domain, np.full(len(domains.target_labels), -1)])
            twin.fit(rows, labels, sample_domain=domain)
            source = self._map(source, True)
            target = self._map(target, False) if len(known) else np.empty((0, source.shape[1]))
        rows = stack(source, target) if len(known) else source
        self._fit_inner(rows, np.concatenate([domains.labels, domains.target_labels[known]]))

    def _map(self, rows: Any, is_source: bool) -> Any:
        if self.transformer_ is None:
            return rows
        return self.transformer_.transform(rows, sample_domain=np.full(rows.shape[0], 1 if is_source else -1))

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return self._ask_inner(self._map(rows, is_source))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.transformer is not None:
            tags.input_tags.sparse = tags.input_tags.sparse and get_tags(self.transformer).input_tags.sparse
        return tags


@dataclass(kw_only=True, eq=False, repr=False)
class Reweighted(_Shell):
    """Any estimator that takes ``sample_weight``, on source rows weighted to stand for the target.

    Importance weighting: ``min_f mean_i w(x_i) loss(f(x_i), y_i)`` with ``w ~ p_target / p_source`` estimates the
    target's risk when only P(X) (or, for the label-shift weights, only P(Y)) differs. Labelled target rows join with
    weight ``target_weight``.

    Parameters
    ----------
    weights : ``uniform``, the name of a reweighting in the catalogue, or
        ``function(source, target, labels=..., seed=...) -> [n]``.
    estimator : classifier or regressor with ``sample_weight``; None for `TunedLogistic`.
    options : keyword arguments of the function.
    target_weight : weight of a labelled target row, where the mean source row has 1.
    seed : handed to the function.

    Attributes
    ----------
    weights_ : [n] of the source rows, mean 1. effective_sample_size_ : ``(sum w)^2 / sum w^2`` (Kish).

    References
    ----------
    Shimodaira, "Improving predictive inference under covariate shift by weighting the log-likelihood function",
    Journal of Statistical Planning and Inference 2000. Kish, "Survey Sampling", 1965.
    """

    sparse_input: ClassVar[bool] = False
    weights: Any = "kmm"
    estimator: Any = None
    options: dict[str, Any] | None = None
    target_weight: float = 1.0
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        function = weight_function(self.weights)
        raw = function(domains.source, domains.target, labels=domains.labels, seed=self.seed, **(self.options or {}))
        raw = np.asarray(raw, dtype=np.float64)
        if raw.shape != domains.labels.shape or not np.isfinite(raw).all() or (raw < 0).any() or raw.sum() <= 0:
            raise ValueError(
                f"weights={self.weights!r} gave weights of shape {raw.shape} that are not {len(domains.labels)} finite "
                "numbers from 0 up with a positive sum."
            )
        self.weights_ = raw / raw.mean()
        self.effective_sample_size_ = float(self.weights_.sum() ** 2 / (self.weights_**2).sum())
        rows, labels = domains.labelled()
        extra = np.full(len(labels) - len(raw), float(self.target_weight))
        self._fit_inner(rows, labels, np.concatenate([self.weights_, extra]))

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return self._ask_inner(rows)


@dataclass(kw_only=True, eq=False, repr=False)
class LabelledOnly(Isolated, MetaEstimatorMixin, BaseEstimator):
    """Fits any estimator on the rows whose label is known: the last step of a `Pipeline` after a domain map.

    Parameters
    ----------
    estimator : classifier or regressor; None for `TunedLogistic`.
    """

    estimator: Any = None

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on rows whose label is not masked."""
        if y is None:
            raise ValueError("This LabelledOnly estimator requires y to be passed, but the target y is None.")
        X = self._rows(X, reset=True)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        known = ~masked(y)
        if len(np.unique(y[known].astype(str))) < 2:
            known[:] = True  # two classes named -1 and 1, none of them masked
        labels = np.array(y[known].tolist()) if y.dtype.kind == "O" else y[known]
        self.estimator_: Any = _twin(self._inner()).fit(X[known], labels)
        return self

    def _inner(self) -> Any:
        return TunedLogistic() if self.estimator is None else self.estimator

    def _rows(self, X: Any, *, reset: bool) -> Any:
        return validate_data(self, X, reset=reset, accept_sparse="csr")

    def _ask(self, X: Any) -> Any:
        check_is_fitted(self)
        return self._rows(X, reset=False)

    @property
    def classes_(self) -> Array:
        return self.estimator_.classes_

    def predict(self, X: Any) -> Array:
        """Return what the estimator predicts."""
        X = self._ask(X)
        return self.estimator_.predict(X)

    @available_if(lambda self: hasattr(self._inner(), "predict_proba"))
    def predict_proba(self, X: Any) -> Array:
        """Return what the estimator predicts as probabilities."""
        X = self._ask(X)
        return self.estimator_.predict_proba(X)

    def score(self, X: Any, y: Any) -> float:
        """Return the estimator's own score."""
        X = self._ask(X)
        return self.estimator_.score(X, y)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._inner())
        tags.estimator_type, tags.input_tags = inner.estimator_type, inner.input_tags
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.target_tags.required = True
        return tags
