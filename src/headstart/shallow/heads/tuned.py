"""Logistic regression that chooses its own strength of regularisation on the rows it is fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,  # pyright: ignore[reportPrivateUsage]
    check_is_fitted,
    validate_data,
)

from headstart.functional.folds import best, default_folds, default_strengths, projected_order
from headstart.functional.linear import Basis, logistic_path, probabilities, rotate, unfold
from headstart.isolated import Isolated

Array = np.ndarray
MANY = 10_000
"""Rows beyond which one fold alone is held out: more of them would settle nothing more."""


@dataclass(kw_only=True, eq=False, repr=False)
class TunedLogistic(Isolated, ClassifierMixin, BaseEstimator):
    """Multinomial logistic regression, its strength chosen by seeded stratified cross-validation.

    ``min_{W, b}  mean_i w_i loss(W x_i + b, y_i) + s / 2 ||W||^2`` for every s of ``strengths`` at once, chosen by
    weighted accuracy and, among equals, the loss. Of more than `MANY` rows the first fold alone is held out.

    Parameters
    ----------
    strengths : penalties per sample (scikit-learn's C is 1 / (n s)); None for ten from 1 to 1e-6.
    standardise : whether the penalty counts weights in units of each feature's standard deviation; None lets the
        cross-validation say.
    n_folds, seed : of the cross-validation.

    Attributes
    ----------
    coef_ [k, d], intercept_ [k], classes_, strength_; standardised_ : what ``standardise`` came to.
    held_out_ : [n] 1 for the rows that the chosen strength had right in the folds that held them out, else 0 (NaN for
        rows that no fold held out); there if there was a choice.
    """

    strengths: tuple[float, ...] | None = None
    standardise: bool | None = True
    n_folds: int = 5
    seed: int = 0

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit on rows X [n, d], dense or CSR, with labels y [n]."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only ({self.classes_[0]!r}); a classifier needs two or more classes.")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        strengths = default_strengths("classification") if self.strengths is None else np.array(self.strengths)
        scalings = (True, False) if self.standardise is None else (self.standardise,)
        number, order = 0, projected_order(X, self.seed)  # nothing follows the order in which the rows came
        X, labels, weights = X[order], labels[order], None if weights is None else weights[order]
        wide = X.shape[0] < X.shape[1]
        bases = {scaled: rotate(X, scaled) if wide or not scaled else None for scaled in scalings}
        if len(scalings) * len(strengths) > 1:
            judged = [self._judge(X, labels, weights, strengths, bases[scaled]) for scaled in scalings]
            score, loss = np.concatenate(judged, axis=1)
            asked = ~np.isnan(score[0])
            share = np.ones(asked.sum()) if weights is None else weights[asked]
            share = share / share.sum()
            number = best(score[:, asked] @ share, loss[:, asked] @ share, np.tile(strengths, len(scalings)))
            self.held_out_ = np.empty(len(labels))
            self.held_out_[order] = score[number]
        self.standardised_ = scalings[number // len(strengths)]
        number %= len(strengths)
        self.strength_ = float(strengths[number])
        # the path is warm, so that the chosen strength is reached from the stronger ones
        basis = bases[self.standardised_] or rotate(X, True)
        found, intercept = self._path(basis, labels, weights, strengths[: number + 1])[-1]
        self.coef_, self.intercept_ = unfold(basis, found, intercept, features=X)
        return self

    def _path(self, basis: Basis, labels: Array, weights: Array | None, strengths: Array) -> list[tuple[Array, Array]]:
        wanted = np.eye(len(self.classes_))[labels]
        shown = wanted.max(axis=0) > 0
        path = logistic_path(basis, wanted[:, shown], strengths, weights=weights)
        return [self._whole(solution, shown) for solution in path]

    def _whole(self, solution: tuple[Array, Array], shown: Array) -> tuple[Array, Array]:
        """Give classes that a fold does not show no weight and a low intercept."""
        found = np.zeros((len(solution[0]), len(shown)))
        intercept = np.full(len(shown), solution[1].min() - 10.0)
        found[:, shown], intercept[shown] = solution
        return found, intercept

    def _judge(self, X: Any, labels: Array, weights: Array | None, strengths: Array, whole: Basis | None) -> Array:
        """Return whether held-out rows were right, and their loss, for every strength: [2, strengths, n].

        A fold is solved on the axes of all rows, ``whole``, where there are: a turn changes no penalty, and of more
        columns than rows the scales too are those of all rows, as each fold's own would cost as much as all rows'.
        """
        n = len(labels)
        folds = default_folds(labels, "classification", self.n_folds, self.seed)[: 1 if n > MANY else None]
        loss, score = np.full((2, len(strengths), n), np.nan)
        for train, held in folds:
            loss[:, held] = score[:, held] = 0.0
            if len(np.unique(labels[train])) < 2:
                continue
            part = None if weights is None else weights[train]
            basis = rotate(X[train], True) if whole is None else whole.of_rows(train)
            for index, (found, intercept) in enumerate(self._path(basis, labels[train], part, strengths)):
                if whole is None:
                    coef, intercept = unfold(basis, found, intercept, features=X[train])
                    outputs = np.asarray(X[held] @ coef.T) + intercept
                else:
                    outputs = whole.rotated[held] @ found + intercept
                p = probabilities(outputs, "softmax")
                loss[index, held] = -np.log(np.maximum(p[np.arange(len(held)), labels[held]], 1e-12))
                score[index, held] = p.argmax(axis=1) == labels[held]
        return np.stack([score, loss])

    def decision_function(self, X: Any) -> Array:
        """Return log-odds of the second of two classes [n], or one score per class [n, k]."""
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs

    def _outputs(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=np.float64)
        return np.asarray(X @ self.coef_.T) + self.intercept_

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities [n, k] of `classes_`."""
        return probabilities(self._outputs(X), "softmax")

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row [n]."""
        chosen = self._outputs(X).argmax(axis=1)
        return self.classes_[chosen]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
