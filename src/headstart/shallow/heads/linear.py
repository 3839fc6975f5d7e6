"""Linear heads of every strength on features computed once, and the choice among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from headstart.functional.folds import Array, Fold, best, default_folds
from headstart.functional.linear import Basis, logistic_path, principal, unfold
from headstart.functional.ridge import ridge_leave_one_out, ridge_path
from headstart.kinds.base import Link
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.labels import balance, indicators, link_of


@dataclass(frozen=True)
class Head:
    """A linear map of raw features: outputs ``x coef' + intercept`` with coef [k, d] and intercept [k]."""

    coef: Array
    intercept: Array

    def outputs(self, features: Array) -> Array:
        """Return raw outputs [n, k]: logits, or values in the target's units."""
        return np.asarray(features, dtype=np.float64) @ self.coef.T + self.intercept


class Problem(NamedTuple):
    """What a head is fitted for: the task's kind, its outputs, the strengths, and the features' scale.

    ``standardise`` brings each feature to variance 1; else ``common`` brings all by one factor to a mean variance of 1,
    so that strengths mean the same. ``balanced`` lets every class count alike, in the loss and in what is chosen by.
    """

    kind: str
    n_outputs: int
    strengths: Array
    standardise: bool = True
    common: bool = False
    balanced: bool = False

    @property
    def link(self) -> Link:
        return link_of(self.kind)

    def weights(self, labels: Array) -> Array:
        """Return the weight of each sample [n]."""
        return balance(labels) if self.balanced else np.ones(len(labels))


class Chosen(NamedTuple):
    """The best head, its strength, and the mean score and loss of every strength."""

    head: Head
    strength: float
    scores: Array
    losses: Array


def solve(features: Array, labels: Array, problem: Problem) -> list[Head]:
    """Return one `Head` per strength.

    Classification: multinomial logistic regression; multilabel: one logistic regression per class; both with
    ``mean loss + s / 2 ||W||^2``. Regression: ridge, ``mean 1/2 squared error + s / 2 ||W||^2``.

    A class without samples, or a label that never varies, gets no weights and the intercept of one that was seen
    half a time, so that everything stays finite.
    """
    basis = _basis(features, problem)
    if problem.link == "identity":
        middle = labels.mean(axis=0)
        path = ridge_path(basis, labels - middle, problem.strengths)
        return [Head(*unfold(basis, weights, middle)) for weights in path]
    wanted = indicators(labels, problem.kind, problem.n_outputs)
    varies = (wanted.min(axis=0) != wanted.max(axis=0)).nonzero()[0]
    if len(varies) == 0:
        nothing = np.zeros((len(basis.singular), 0)), np.zeros(0)
        return [_whole(basis, nothing, wanted, varies, problem.link)] * len(problem.strengths)
    weights = problem.weights(labels) if problem.balanced else None
    path = logistic_path(basis, wanted[:, varies], problem.strengths, link=problem.link, weights=weights)
    return [_whole(basis, solution, wanted, varies, problem.link) for solution in path]


def _basis(features: Array, problem: Problem) -> Basis:
    if problem.standardise or not problem.common:
        return principal(features, standardise=problem.standardise)
    factor = float(np.sqrt(np.asarray(features, dtype=np.float64).var(axis=0).mean())) or 1.0
    basis = principal(np.asarray(features, dtype=np.float64) / factor, standardise=False)
    return basis._replace(mean=basis.mean * factor, scale=basis.scale * factor)


def _whole(basis: Basis, solution: tuple[Array, Array], wanted: Array, varies: Array, link: Link) -> Head:
    n, k = wanted.shape
    share = (wanted.sum(axis=0) + 0.5) / (n + 1)
    if link == "sigmoid":
        intercept = np.log(share) - np.log1p(-share)
    else:
        level = solution[1].mean() - np.log(share[varies]).mean() if len(varies) else 0.0
        intercept = np.log(share) + level
    centre = intercept.copy()
    centre[varies] = solution[1]
    weights = np.zeros((len(basis.singular), k))
    weights[:, varies] = solution[0]
    return Head(*unfold(basis, weights, centre))


def search(
    features: Array,
    labels: Array,
    problem: Problem,
    validation: Fold | None = None,
    folds: list[Fold] | None = None,
) -> Chosen:
    """Fit every strength on all rows and choose by validation rows, else folds, else leave-one-out (regression) or
    five seeded folds."""
    heads = solve(features, labels, problem)
    if validation is not None:
        judged, seen = (
            [per_sample(head.outputs(validation[0]), validation[1], problem.kind) for head in heads],
            validation[1],
        )
    elif folds is None and problem.link == "identity":
        judged, seen = _leave_one_out(features, labels, problem), labels
    else:
        parts = folds or default_folds(labels, problem.kind)
        judged, seen = _cross_validate(features, labels, problem, parts), labels[np.concatenate([h for _, h in parts])]
    weights = problem.weights(seen)
    scores = np.array([(weights * score).mean() for score, _ in judged])
    losses = np.array([(weights * loss).mean() for _, loss in judged])
    number = best(scores, losses, problem.strengths)
    return Chosen(heads[number], float(problem.strengths[number]), scores, losses)


def _leave_one_out(features: Array, labels: Array, problem: Problem) -> list[Fold]:
    basis = _basis(features, problem)
    residuals = ridge_leave_one_out(basis, labels - labels.mean(axis=0), problem.strengths)
    return [(-np.abs(r).mean(axis=1), np.square(r).mean(axis=1)) for r in residuals]


def _cross_validate(features: Array, labels: Array, problem: Problem, folds: list[Fold]) -> list[Fold]:
    parts = []
    for train, held in folds:
        heads = solve(features[train], labels[train], problem)
        parts.append([per_sample(head.outputs(features[held]), labels[held], problem.kind) for head in heads])
    columns = zip(*parts, strict=True)
    return [(np.concatenate([s for s, _ in column]), np.concatenate([x for _, x in column])) for column in columns]


def put_into(head: Any, solution: Head, logic: Any = None) -> Any:
    """Copy a solution into an `nn.Linear` and return it.

    Parameters
    ----------
    head : torch.nn.Linear from d features to k outputs.
    logic : the task's logic; a regression's head works on standardised targets, so its mean and scale are taken out.
    """
    import torch

    scale, mean = np.asarray(getattr(logic, "scale", 1.0)), np.asarray(getattr(logic, "mean", 0.0))
    with torch.no_grad():
        head.weight.copy_(torch.as_tensor(solution.coef / scale.reshape(-1, 1)))
        head.bias.copy_(torch.as_tensor((solution.intercept - mean) / scale))
    return head
