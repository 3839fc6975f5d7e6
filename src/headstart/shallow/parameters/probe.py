"""The linear probe: every strength of regularisation at once, on features computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from headstart.errors import UserError
from headstart.functional.linear import (
    Basis,
    logistic_path,
    principal,
    probabilities,
    ridge_leave_one_out,
    ridge_path,
    unfold,
)

Array = np.ndarray
Fold = tuple[Array, Array]
LINKS = {"classification": "softmax", "multilabel": "sigmoid"}


@dataclass(frozen=True)
class Head:
    """A linear map of raw features: outputs ``x coef' + intercept`` with coef [k, d] and intercept [k]."""

    coef: Array
    intercept: Array

    def outputs(self, features: Array) -> Array:
        """Return raw outputs [n, k]: logits, or values in the target's units."""
        return np.asarray(features, dtype=np.float64) @ self.coef.T + self.intercept


def solve_probes(features: Array, labels: Array, kind: str, strengths: Array, n_outputs: int) -> list[Head]:
    """Return one `Head` per strength, by standardised features with an L2 penalty.

    Classification: multinomial logistic regression; multilabel: one logistic regression per class; both with
    ``mean loss + s / 2 ||W||^2``. Regression: ridge, ``mean 1/2 squared error + s / 2 ||W||^2``.

    A class without samples (or a label that never varies) gets no weights, and the intercept of a class seen half a
    time, so that everything stays finite.
    """
    basis = principal(features)
    if kind == "regression":
        targets = np.asarray(labels, dtype=np.float64)
        middle = targets.mean(axis=0)
        solutions = [(w, middle) for w in ridge_path(basis, targets - middle, strengths)]
        return [Head(*unfold(basis, *solution)) for solution in solutions]
    wanted = indicators(labels, kind, n_outputs)
    varies = (wanted.min(axis=0) != wanted.max(axis=0)).nonzero()[0]
    if len(varies) == 0:
        solutions = [(np.zeros((len(basis.singular), 0)), np.zeros(0))] * len(strengths)
    else:
        solutions = logistic_path(basis, wanted[:, varies], strengths, link=LINKS[kind])
    return [_whole(basis, solution, wanted, varies, kind) for solution in solutions]


def _whole(basis: Basis, solution: tuple[Array, Array], wanted: Array, varies: Array, kind: str) -> Head:
    n, k = wanted.shape
    coef, intercept = unfold(basis, *solution)
    if len(varies) == k:
        return Head(coef, intercept)
    share = (wanted.sum(axis=0) + 0.5) / (n + 1)
    rest = np.log(share) + (solution[1].mean() - np.log(share[varies]).mean() if len(varies) else 0.0)
    whole = Head(np.zeros((k, coef.shape[1])), rest if kind == "classification" else np.log(share / (1 - share)))
    whole.coef[varies], whole.intercept[varies] = coef, intercept
    return whole


def indicators(labels: Array, kind: str, n_outputs: int) -> Array:
    """Return labels as 0/1 rows [n, k]."""
    return np.eye(n_outputs)[labels] if kind == "classification" else np.asarray(labels, dtype=np.float64)


def per_sample(outputs: Array, labels: Array, kind: str) -> tuple[Array, Array]:
    """Return each sample's score (higher is better) and loss, [n] each.

    The score is the task's primary metric: hit, F1 of the label set, or the negative absolute error.
    """
    if kind == "regression":
        return -np.abs(outputs - labels).mean(axis=1), np.square(outputs - labels).mean(axis=1)
    p = np.clip(probabilities(outputs, LINKS[kind]), 1e-12, 1 - 1e-12)
    if kind == "classification":
        return (outputs.argmax(axis=1) == labels).astype(float), -np.log(p[np.arange(len(p)), labels])
    chosen, true = outputs > 0, labels > 0.5
    size = chosen.sum(axis=1) + true.sum(axis=1)
    f1 = np.where(size == 0, 1.0, 2 * (chosen & true).sum(axis=1) / np.maximum(size, 1))
    return f1, -np.where(true, np.log(p), np.log1p(-p)).mean(axis=1)


def best_strength(scores: Array, losses: Array, strengths: Array) -> int:
    """Return the row of the best mean score; among equals the least loss, then the strongest penalty."""
    order = np.lexsort((-np.asarray(strengths), losses.round(12), -scores.round(12)))
    return int(order[0])


@dataclass(kw_only=True)
class Probe(BaseEstimator):
    """A linear model on frozen features, its regularisation chosen among all strengths at once.

    ``min_{W, b}  mean_i loss(W x_i + b, y_i) + s / 2 ||W||^2`` on standardised features x, for every s of
    ``strengths``; s is chosen on validation rows where given, else by cross-validation (regression: leave-one-out in
    closed form), by the task's primary metric and, among equals, the loss. The result is folded back to raw
    features.

    Parameters
    ----------
    kind : "classification" (labels [n] int), "multilabel" (0/1 [n, k]) or "regression" ([n, k] or [n]).
    n_outputs : number of classes or targets; None takes it from the labels.
    strengths : penalties per sample; None for ten from 1 to 1e-6 (ridge: 1e3 to 1e-6).
    n_folds, seed : of the cross-validation when neither validation rows nor folds are given.

    Attributes
    ----------
    coef_ [k, d], intercept_ [k], strength_, strengths_, scores_ and losses_ (per strength).

    References
    ----------
    Alain and Bengio, "Understanding intermediate layers using linear classifier probes", ICLR workshop 2017;
    Kornblith, Shlens and Le, "Do Better ImageNet Models Transfer Better?", CVPR 2019 (L2 chosen on validation).
    """

    kind: str = "classification"
    n_outputs: int | None = None
    strengths: tuple[float, ...] | None = None
    n_folds: int = 5
    seed: int = 0
    head_: Head = field(init=False, repr=False, compare=False)

    def fit(
        self,
        features: Array,
        labels: Array,
        validation: Fold | None = None,
        folds: list[Fold] | None = None,
    ) -> Probe:
        """Fit on features [n, d].

        Parameters
        ----------
        features, labels : of the training rows.
        validation : (features, labels) on which the strength is chosen; not trained on.
        folds : list of (training rows, validation rows); used when ``validation`` is None.
        """
        features, labels = np.asarray(features), _labels(labels, self.kind)
        self._check(features, labels)
        self.strengths_ = np.array(self.strengths or _grid(self.kind))
        k = self._count(labels)
        heads = solve_probes(features, labels, self.kind, self.strengths_, k)
        if validation is not None:
            truth = _labels(validation[1], self.kind)
            judged = [per_sample(head.outputs(validation[0]), truth, self.kind) for head in heads]
        elif folds is None and self.kind == "regression":
            judged = self._leave_one_out(features, labels)
        else:
            judged = self._cross_validate(features, labels, folds, k)
        self.scores_ = np.array([score.mean() for score, _ in judged])
        self.losses_ = np.array([loss.mean() for _, loss in judged])
        chosen = best_strength(self.scores_, self.losses_, self.strengths_)
        self.head_, self.strength_ = heads[chosen], float(self.strengths_[chosen])
        self.coef_, self.intercept_ = self.head_.coef, self.head_.intercept
        return self

    def _check(self, features: Array, labels: Array) -> None:
        if features.ndim != 2 or len(features) != len(labels) or len(features) < 2:
            raise UserError(
                f"A probe needs features [n, d] and n labels with n >= 2; got {features.shape} and {labels.shape}."
            )
        if not np.isfinite(features).all():
            row = int(np.argwhere(~np.isfinite(features))[0][0])
            raise UserError(f"The features of row {row} hold NaN or infinity; check that sample and the network.")

    def _count(self, labels: Array) -> int:
        if self.n_outputs is not None:
            return self.n_outputs
        return int(labels.max()) + 1 if self.kind == "classification" else labels.shape[1]

    def _leave_one_out(self, features: Array, labels: Array) -> list[tuple[Array, Array]]:
        residuals = ridge_leave_one_out(principal(features), labels - labels.mean(axis=0), self.strengths_)
        return [(-np.abs(r).mean(axis=1), np.square(r).mean(axis=1)) for r in residuals]

    def _cross_validate(
        self, features: Array, labels: Array, folds: list[Fold] | None, k: int
    ) -> list[tuple[Array, Array]]:
        parts: list[list[tuple[Array, Array]]] = []
        for train, held in folds or default_folds(labels, self.kind, self.n_folds, self.seed):
            heads = solve_probes(features[train], labels[train], self.kind, self.strengths_, k)
            parts.append([per_sample(h.outputs(features[held]), labels[held], self.kind) for h in heads])
        columns = list(zip(*parts, strict=True))
        return [(np.concatenate([s for s, _ in column]), np.concatenate([x for _, x in column])) for column in columns]

    def decision_function(self, features: Array) -> Array:
        """Return raw outputs [n, k]."""
        return self.head_.outputs(features)

    def predict_proba(self, features: Array) -> Array:
        """Return probabilities [n, k]."""
        return probabilities(self.head_.outputs(features), LINKS[self.kind])

    def predict(self, features: Array) -> Array:
        """Return class numbers [n], 0/1 label sets [n, k], or values [n, k]."""
        outputs = self.head_.outputs(features)
        if self.kind == "classification":
            return outputs.argmax(axis=1)
        return (outputs > 0).astype(np.int64) if self.kind == "multilabel" else outputs

    def score(self, features: Array, labels: Array) -> float:
        """Return the mean of the task's primary metric, higher is better."""
        return float(per_sample(self.head_.outputs(features), _labels(labels, self.kind), self.kind)[0].mean())

    def to_head(self, head: Any, logic: Any = None) -> Any:
        """Put the solution into ``head``, an `nn.Linear`, and return it.

        Parameters
        ----------
        head : torch.nn.Linear from d features to k outputs.
        logic : the task's logic; a regression's head works on standardised targets, so its mean and scale are
            taken out of the weights.
        """
        import torch

        scale, mean = np.asarray(getattr(logic, "scale", 1.0)), np.asarray(getattr(logic, "mean", 0.0))
        coef = self.coef_ / scale.reshape(-1, 1)
        with torch.no_grad():
            head.weight.copy_(torch.as_tensor(coef))
            head.bias.copy_(torch.as_tensor((self.intercept_ - mean) / scale))
        return head


def _labels(labels: Array, kind: str) -> Array:
    labels = np.asarray(labels)
    if kind == "classification":
        return labels.astype(np.int64)
    labels = labels.astype(np.float64)
    return labels[:, None] if labels.ndim == 1 else labels


def _grid(kind: str) -> Array:
    return np.logspace(3, -6, 19) if kind == "regression" else np.logspace(0, -6, 10)


def default_folds(labels: Array, kind: str, n_folds: int, seed: int) -> list[Fold]:
    """Return seeded folds of rows; stratified for classification, as far as the rarest class allows."""
    from sklearn.model_selection import KFold, StratifiedKFold

    n = len(labels)
    if kind == "classification":
        rarest = int(np.unique(labels, return_counts=True)[1].min())
        if rarest >= 2:
            count = min(n_folds, rarest)
            splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
            return list(splitter.split(np.zeros(n), labels))
    return list(KFold(min(n_folds, n), shuffle=True, random_state=seed).split(np.zeros(n)))
