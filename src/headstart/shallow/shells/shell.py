"""What the shells that join a method across domains to an estimator share."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone, is_regressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from headstart.shallow.adaptation import Array, Predictor


def _gives_probabilities(shell: Any) -> bool:
    return not is_regressor(shell)


class Shell(MetaEstimatorMixin, Predictor):
    """A predictor that is a classifier or a regressor as its estimator is."""

    __metadata_request__predict_proba: ClassVar = {"sample_domain": True}
    __metadata_request__score: ClassVar = {"sample_domain": True, "sample_weight": None}
    estimator: Any

    def _inner(self) -> Any:
        if self.estimator is not None:
            return self.estimator
        # here, so that whoever reads a method and its shell need not read the search of the default head
        from headstart.shallow.heads.tuned import TunedLogistic

        return TunedLogistic()

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
        inner: Any = clone(self._inner())
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
