"""Nearest neighbours on features: no parameters to learn but their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator

from headstart.functional.folds import Array, Fold, best
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.labels import (
    answers,
    as_labels,
    check_features,
    count_outputs,
    indicators,
    link_of,
    refuse_values,
)

NUMBERS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50)


@dataclass(kw_only=True)
class KNN(BaseEstimator):
    """The mean label of the k nearest training rows by cosine similarity.

    ``f(x) = 1 / k  sum of t_i over the k largest  x . x_i / (||x|| ||x_i||)`` with t_i the class indicator, the
    label set or the values. k is chosen on validation rows where given, else by leave-one-out, by the task's primary
    metric and, among equals, the loss and then the larger k. One similarity matrix serves every k.

    Parameters
    ----------
    kind : "classification" (labels [n] int), "multilabel" (0/1 [n, k]) or "regression" ([n, k] or [n]).
    n_outputs : number of classes or targets; None takes it from the labels.
    numbers : candidates for k, those below the number of rows; None for ten from 1 to 50.

    Attributes
    ----------
    k_, numbers_; scores_ and losses_ per candidate; references_ [n, d] (unit rows), targets_ [n, k].

    References
    ----------
    Cover and Hart, "Nearest neighbor pattern classification", IEEE Transactions on Information Theory, 1967; Wu 2018.
    """

    kind: str = "classification"
    n_outputs: int | None = None
    numbers: tuple[int, ...] | None = None

    def fit(self, features: Array, labels: Array, validation: Fold | None = None, groups: Array | None = None) -> KNN:
        """Keep features [n, d] and choose k on ``validation`` (features, labels), or by leave-one-out.

        Parameters
        ----------
        groups : group numbers [n]; a row's whole group is left out with it.
        """
        features, labels = np.asarray(features), as_labels(labels, self.kind)
        check_features(features, labels)
        self.references_ = unit(features)
        self.targets_ = indicators(labels, self.kind, self.n_outputs or count_outputs(labels, self.kind))
        numbers = np.arange(len(features)) if groups is None else np.asarray(groups)
        most = len(features) - int(np.unique(numbers, return_counts=True)[1].max())
        self.numbers_ = np.array([k for k in self.numbers or NUMBERS if k <= max(most, 1)])
        queries, truth = (features, labels) if validation is None else validation
        votes = self._votes(queries, self.numbers_, leave_out=numbers if validation is None else None)
        judged = [per_sample(self._outputs(vote), as_labels(truth, self.kind), self.kind) for vote in votes]
        self.scores_ = np.array([score.mean() for score, _ in judged])
        self.losses_ = np.array([loss.mean() for _, loss in judged])
        self.k_ = int(self.numbers_[best(self.scores_, self.losses_, self.numbers_)])
        return self

    def _votes(self, queries: Array, numbers: Array, *, leave_out: Array | None = None) -> Array:
        """Return mean labels [len(numbers), n, k], in chunks of rows that bound the memory.

        ``leave_out`` numbers the groups of queries that are the references themselves: none votes on its own.
        """
        most, parts = int(numbers.max()), []
        for start in range(0, len(queries), 512):
            similarity = unit(queries[start : start + 512]) @ self.references_.T
            if leave_out is not None:
                similarity[leave_out[start : start + 512, None] == leave_out[None]] = -np.inf
            nearest = np.argpartition(-similarity, most - 1, axis=1)[:, :most]
            order = np.argsort(-np.take_along_axis(similarity, nearest, axis=1), axis=1, kind="stable")
            totals = self.targets_[np.take_along_axis(nearest, order, axis=1)].cumsum(axis=1)
            parts.append(np.stack([totals[:, k - 1] / k for k in numbers]))
        return np.concatenate(parts, axis=1)

    def _outputs(self, votes: Array) -> Array:
        """Turn shares of votes into logits, so that a task's own prediction gives the shares back."""
        link = link_of(self.kind)
        if link == "identity":
            return votes
        share = np.clip(votes, 1e-6, 1 - 1e-6)
        return np.log(share) if link == "softmax" else np.log(share) - np.log1p(-share)

    def decision_function(self, features: Array) -> Array:
        """Return logits [n, k], or values."""
        return self._outputs(self._votes(np.asarray(features), np.array([self.k_]))[0])

    def predict_proba(self, features: Array) -> Array:
        """Return shares of votes [n, k]."""
        refuse_values(self.kind)
        return self._votes(np.asarray(features), np.array([self.k_]))[0]

    def predict(self, features: Array) -> Array:
        """Return class numbers [n], 0/1 label sets [n, k], or values [n, k]."""
        return answers(self.decision_function(features), self.kind)

    def score(self, features: Array, labels: Array) -> float:
        """Return the mean of the task's primary metric, higher is better."""
        return float(per_sample(self.decision_function(features), as_labels(labels, self.kind), self.kind)[0].mean())


def unit(features: Array) -> Array:
    """Return rows of length 1 (a row of zeros stays)."""
    features = np.asarray(features, dtype=np.float64)
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length > 0, length, 1.0)
