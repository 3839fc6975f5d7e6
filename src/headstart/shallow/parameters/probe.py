"""The linear probe: every strength of regularisation at once, on features computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from headstart.functional.folds import Array, Fold, default_folds, default_strengths
from headstart.shallow.heads.joint import choose_jointly
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.labels import answers, as_labels, check_features, count_outputs, link_of, shares
from headstart.shallow.heads.linear import Problem, put_into, search


@dataclass(kw_only=True)
class Probe(BaseEstimator):
    """A linear model on frozen features, its regularisation chosen among all strengths at once.

    ``min_{W, b}  mean_i loss(W x_i + b, y_i) + s / 2 ||W||^2`` on scaled features x, for every s of ``strengths``; s is
    chosen on validation rows where given, else by cross-validation (regression: leave-one-out in closed form), by the
    task's primary metric and, among equals, the loss. The result is folded back to raw features.

    Parameters
    ----------
    kind : "classification" (labels [n] int), "multilabel" (0/1 [n, k]) or "regression" ([n, k] or [n]).
    n_outputs : number of classes or targets; None takes it from the labels.
    strengths : penalties per sample (C is 1 / (n s)); None for ten from 1 to 1e-6, for ridge nineteen from 1e3.
    standardise : whether each feature is brought to variance 1; False brings all by one factor to a mean variance of 1,
        which is better with a handful of labels; None lets the cross-validation say, together with the strength.
    balanced : whether every class counts alike, in the loss and in choices.
    n_folds, seed : of the cross-validation when neither validation rows nor folds are given.

    Attributes
    ----------
    coef_ [k, d], intercept_ [k], head_, strength_, strengths_, standardised_; scores_ and losses_ per strength.

    References
    ----------
    Alain and Bengio, "Understanding intermediate layers using linear classifier probes", ICLR workshop 2017;
    Kornblith, Shlens and Le, "Do Better ImageNet Models Transfer Better?", CVPR 2019 (L2 chosen on validation).
    """

    kind: str = "classification"
    n_outputs: int | None = None
    strengths: tuple[float, ...] | None = None
    standardise: bool | None = True
    balanced: bool = False
    n_folds: int = 5
    seed: int = 0

    def fit(
        self, features: Array, labels: Array, validation: Fold | None = None, folds: list[Fold] | None = None
    ) -> Probe:
        """Fit on features [n, d].

        Parameters
        ----------
        validation : (features, labels) on which the strength is chosen; not trained on.
        folds : list of (training rows, held-out rows); used when ``validation`` is None.
        """
        features, labels = np.asarray(features), as_labels(labels, self.kind)
        check_features(features, labels)
        self.strengths_ = default_strengths(self.kind) if self.strengths is None else np.array(self.strengths)
        n_outputs = self.n_outputs or count_outputs(labels, self.kind)
        problem = Problem(self.kind, n_outputs, self.strengths_, balanced=self.balanced)
        if validation is not None:
            validation = np.asarray(validation[0]), as_labels(validation[1], self.kind)
        elif folds is None and (link_of(self.kind) != "identity" or self.standardise is None):
            folds = default_folds(labels, self.kind, self.n_folds, self.seed)
        self.standardised_ = self._scale(features, labels, problem, validation, folds)
        problem = problem._replace(standardise=self.standardised_, common=not self.standardised_)
        self.head_, self.strength_, self.scores_, self.losses_ = search(features, labels, problem, validation, folds)
        self.coef_, self.intercept_ = self.head_.coef, self.head_.intercept
        return self

    def _scale(
        self, features: Array, labels: Array, problem: Problem, validation: Fold | None, folds: list[Fold] | None
    ) -> bool:
        if self.standardise is not None:
            return self.standardise
        if validation is None:
            assert folds is not None
            return choose_jointly({"": features}, labels, problem, folds).standardise
        n = len(features)
        rows, every = np.concatenate([features, validation[0]]), np.concatenate([labels, validation[1]])
        return choose_jointly({"": rows}, every, problem, [(np.arange(n), np.arange(n, len(rows)))]).standardise

    def decision_function(self, features: Array) -> Array:
        """Return raw outputs [n, k]."""
        return self.head_.outputs(features)

    def predict_proba(self, features: Array) -> Array:
        """Return probabilities [n, k]."""
        return shares(self.head_.outputs(features), self.kind)

    def predict(self, features: Array) -> Array:
        """Return class numbers [n], 0/1 label sets [n, k], or values [n, k]."""
        return answers(self.head_.outputs(features), self.kind)

    def score(self, features: Array, labels: Array) -> float:
        """Return the mean of the task's primary metric, higher is better."""
        return float(per_sample(self.head_.outputs(features), as_labels(labels, self.kind), self.kind)[0].mean())

    def to_head(self, head: Any, logic: Any = None) -> Any:
        """Put the solution into ``head``, an `nn.Linear`, and return it; ``logic`` is the task's, for regression."""
        return put_into(head, self.head_, logic)
