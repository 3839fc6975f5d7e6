"""Any estimator on the rows whose label is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import check_consistent_length, column_or_1d, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from headstart.isolated import Isolated
from headstart.shallow.adaptation import Array
from headstart.shallow.domains import masked
from headstart.shallow.heads.tuned import TunedLogistic


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
        inner: Any = clone(self._inner())
        self.estimator_: Any = inner.fit(X[known], labels)
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
