"""Several labels a row across domains: a problem of two classes for each, on a map that they share where it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted

from headstart.functional.reuse import reusing
from headstart.isolated import Isolated
from headstart.shallow.shells.adapted import Adapted

Array = np.ndarray


@dataclass(kw_only=True, eq=False, repr=False)
class EachLabel(Isolated, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """A method across domains for rows that have any number of labels: ``P(y_l = 1 | x)`` for each label l by itself.

    Where a map reads no label (CORAL, subspaces, TCA, mSDA ...) it is a function of the rows, and is fitted once for
    all labels. Any other method (weights, JDA, transport with classes, what is trained) is fitted for each. Nothing is
    known of which labels come together.

    Parameters
    ----------
    estimator : a classifier across domains, such as `Adapted` or `Reweighted`; None for source-only.

    Attributes
    ----------
    estimators_ : one fitted classifier per label.

    References
    ----------
    Tsoumakas and Katakis, "Multi-Label Classification: An Overview", International Journal of Data Warehousing and
    Mining 2007 (binary relevance).
    """

    __metadata_request__fit: ClassVar = {"sample_domain": True}
    __metadata_request__predict: ClassVar = {"sample_domain": True}
    __metadata_request__predict_proba: ClassVar = {"sample_domain": True}
    estimator: Any = None

    def fit(self, X: Any, y: Any, sample_domain: Any = None) -> Self:
        """Learn from rows X [n, d] of both domains and labels y [n, l] of 0 and 1, -1 in rows without.

        Raises
        ------
        ValueError
            If y is no such table, or a label is the same in every row that has it.
        """
        labels = _table_of(y, X)
        model = Adapted() if self.estimator is None else self.estimator
        shared = getattr(getattr(model, "transformer", None), "label_free", False)
        self.estimators_: list[Any] = []
        with reusing():
            for column in labels.T:
                one: Any = clone(model)
                if shared and self.estimators_:
                    one.set_params(transformer=self.estimators_[0].transformer_, prefitted=True)
                self.estimators_.append(one.fit(X, column, sample_domain=sample_domain))
        return self

    def predict_proba(self, X: Any, sample_domain: Any = None) -> Array:
        """Return the probability of each label [n, l]; rows are the target's unless said otherwise."""
        check_is_fitted(self)
        return np.stack([one.predict_proba(X, sample_domain=sample_domain)[:, 1] for one in self.estimators_], axis=1)

    def predict(self, X: Any, sample_domain: Any = None) -> Array:
        """Return which labels apply [n, l], 0 or 1."""
        return (self.predict_proba(X, sample_domain) > 0.5).astype(np.int64)


def _table_of(y: Any, X: Any) -> Array:
    labels, n = np.asarray(y), X.shape[0] if hasattr(X, "shape") else len(X)
    if labels.ndim != 2 or len(labels) != n or not np.isin(labels, (-1, 0, 1)).all():
        raise ValueError(
            f"y is {labels.dtype} {labels.shape}; expected {n} rows of labels of 0 and 1, -1 where unknown."
        )
    for number, column in enumerate(labels.T):
        if len(np.unique(column[column >= 0])) < 2:
            raise ValueError(f"Label {number} of y is the same in every row that has it; leave its column out.")
    if ((labels < 0).any(axis=1) != (labels < 0).all(axis=1)).any():
        raise ValueError("y is -1 for some labels of a row and not for others; give a row all of its labels or none.")
    return labels.astype(np.int64)
