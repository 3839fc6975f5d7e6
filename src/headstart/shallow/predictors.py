"""A classifier and a regressor across domains: the one-level bases of methods that answer by themselves."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from sklearn.base import ClassifierMixin, RegressorMixin

from headstart.shallow.adaptation import Array, Predictor


class DomainClassifier(ClassifierMixin, Predictor):
    """A classifier across domains: a subclass writes ``_learn(domains)`` and ``_outputs(rows, is_source) -> [n, k]``.

    Labels reach ``_learn`` as numbers of ``classes_``; masked ones are -1.
    """

    __metadata_request__predict_proba: ClassVar = {"sample_domain": True}

    def fit(self, X: Any, y: Any, sample_domain: Any = None) -> Self:
        """Learn from rows X [n, d] of both domains; labels y [n] of the target may be masked."""
        self._learn(self._start(X, y, sample_domain, "classification"))
        return self

    def predict_proba(self, X: Any, sample_domain: Any = None) -> Array:
        """Return the probabilities [n, k] of `classes_`; rows are the target's unless said otherwise."""
        return self._answer(X, sample_domain)

    def predict(self, X: Any, sample_domain: Any = None) -> Array:
        """Return the most probable class of each row [n]."""
        chosen = self._answer(X, sample_domain).argmax(axis=1)
        return self.classes_[chosen]


class DomainRegressor(RegressorMixin, Predictor):
    """A regressor across domains: a subclass writes ``_learn(domains)`` and ``_outputs(rows, is_source) -> [n]``."""

    def fit(self, X: Any, y: Any, sample_domain: Any = None) -> Self:
        """Learn from rows X [n, d] of both domains; values y [n] of the target may be masked (NaN)."""
        self._learn(self._start(X, y, sample_domain, "regression"))
        return self

    def predict(self, X: Any, sample_domain: Any = None) -> Array:
        """Return values [n]; rows are the target's unless said otherwise."""
        return self._answer(X, sample_domain)
