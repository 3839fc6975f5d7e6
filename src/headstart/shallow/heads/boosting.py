"""Boosted trees as plain arrays: fitted by scikit-learn, the number of rounds chosen on folds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headstart.functional.folds import Array, Fold, best
from headstart.shallow.heads.judging import cross_validated
from headstart.shallow.heads.labels import link_of

ROUNDS, FIRST = (10, 20, 40, 70, 100), 40
UNSEEN = -30.0
"""Log-odds of a class that no training row has."""
FEW_ROWS = 1_000
"""Rows below which few rounds are tried first: trees on so few over-fit early, and each costs what it costs."""


class Trees(NamedTuple):
    """Arrays of a `headstart.networks.trees.TreesHead`, the longest way down, and the rounds that were chosen."""

    arrays: dict[str, Array]
    depth: int
    rounds: int


class _Member(NamedTuple):
    """A scikit-learn model of one or more raw values, and what each of them adds to the outputs."""

    model: Any
    spread: Array

    def staged(self, features: Array, rounds: tuple[int, ...]) -> list[Array]:
        """Return what the model adds to the outputs [n, k] after each number of rounds."""
        stages = getattr(self.model, "staged_decision_function", None) or self.model.staged_predict
        raw = [found.reshape(len(features), -1) for found in stages(features)]
        return [raw[min(number, len(raw)) - 1] @ self.spread for number in rounds]


class Boosted(NamedTuple):
    """Boosted trees as scikit-learn has them: a function from rows to outputs."""

    members: list[_Member]
    bias: Array
    rounds: int

    def __call__(self, features: Array) -> Array:
        """Return outputs [n, k] for features [n, d]."""
        told = np.zeros((len(features), len(self.bias))) + self.bias
        for member in self.members:
            told += member.staged(features, (self.rounds,))[0]
        return told


def boosted(features: Array, labels: Array, kind: str, n_outputs: int, rounds: int) -> Boosted:
    """Return boosted trees of so many rounds; parameters as in `boost`."""
    return Boosted(*_fit(features, labels, kind, n_outputs, rounds), rounds)


def boost(
    features: Array, labels: Array, kind: str, n_outputs: int, folds: list[Fold], *, rounds: int | None = None
) -> Trees:
    """Return small boosted trees (8 leaves, rate 0.1) on features [n, d].

    Parameters
    ----------
    labels : class numbers [n]; 0/1 [n, k]; or values [n, k].
    folds : on which the number of rounds is chosen, when ``rounds`` is None; below 1,000 rows more
        than 40 are tried only where 40 is the best of the fewer.

    References
    ----------
    Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 2001.
    """
    features = np.asarray(features, dtype=np.float32).astype(np.float64)
    if rounds is None:
        rounds = _choose_rounds(features, labels, kind, n_outputs, folds)
    members, bias = _fit(features, labels, kind, n_outputs, rounds)
    arrays, depth = _arrays(members, bias)
    return Trees(arrays, depth, rounds)


def _choose_rounds(features: Array, labels: Array, kind: str, n_outputs: int, folds: list[Fold]) -> int:
    """Return the best of `ROUNDS` on held-out rows; of few rows those beyond `FIRST` only where it is the best yet."""
    few = tuple(n for n in ROUNDS if n <= FIRST)
    found = FIRST
    for tried in (few, ROUNDS) if len(features) < FEW_ROWS else (ROUNDS,):

        def outputs(train: Array, held: Array, tried: tuple[int, ...] = tried) -> list[Array]:
            members, bias = _fit(features[train], labels[train], kind, n_outputs, tried[-1])
            parts = [member.staged(features[held], tried) for member in members]
            nothing = np.zeros((len(held), n_outputs))
            return [sum((part[i] for part in parts), nothing) + bias for i in range(len(tried))]

        scores, losses = cross_validated(outputs, labels, kind, folds)
        found = tried[best(scores.mean(axis=1), losses.mean(axis=1), -np.array(tried))]
        if found < tried[-1]:
            break
    return found


def _fit(features: Array, labels: Array, kind: str, n_outputs: int, rounds: int) -> tuple[list[_Member], Array]:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    least = int(np.clip(len(features) // 20, 2, 20))
    common: dict[str, Any] = {"max_iter": rounds, "max_leaf_nodes": 8, "min_samples_leaf": least}
    common |= {"early_stopping": False, "random_state": 0}
    one = np.eye(n_outputs)
    link = link_of(kind)
    if link == "identity":
        models = [HistGradientBoostingRegressor(**common).fit(features, column) for column in labels.T]
        return [_Member(model, one[[j]]) for j, model in enumerate(models)], np.zeros(n_outputs)
    if link == "sigmoid":
        share = (labels.sum(axis=0) + 0.5) / (len(labels) + 1)
        varies = np.flatnonzero(labels.min(axis=0) != labels.max(axis=0))
        bias = np.log(share) - np.log1p(-share)
        bias[varies] = 0.0
        models = [HistGradientBoostingClassifier(**common).fit(features, labels[:, j] > 0.5) for j in varies]
        return [_Member(model, one[[j]]) for j, model in zip(varies, models, strict=True)], bias
    seen = np.unique(labels)
    bias = np.full(n_outputs, UNSEEN)
    bias[seen] = 0.0
    if len(seen) < 2:
        return [], bias
    model = HistGradientBoostingClassifier(**common).fit(features, labels)
    # Two classes share one raw value r, with sigmoid(r) = softmax(-r/2, r/2).
    spread = one[seen] if len(seen) > 2 else 0.5 * (one[[seen[1]]] - one[[seen[0]]])
    return [_Member(model, spread)], bias


def _arrays(members: list[_Member], bias: Array) -> tuple[dict[str, Array], int]:
    """Lay the trees of all members side by side, round by round; leaves lead to themselves."""
    spread = np.concatenate([member.spread for member in members]) if members else np.zeros((1, len(bias)))
    rounds = zip(*(member.model._predictors for member in members), strict=True)
    nodes = [tree.nodes for part in rounds for trees in part for tree in trees]
    widest = max((len(tree) for tree in nodes), default=1)
    shape = (max(len(nodes), 1), widest)
    found = {name: np.zeros(shape, np.int64) for name in ("feature", "left", "right")}
    found |= {name: np.zeros(shape, np.float32) for name in ("threshold", "value")}
    depth = 0
    for at, tree in enumerate(nodes):
        leaf, n = tree["is_leaf"].astype(bool), len(tree)
        own = np.arange(n)
        found["feature"][at, :n] = np.where(leaf, 0, tree["feature_idx"])
        found["left"][at, :n] = np.where(leaf, own, tree["left"])
        found["right"][at, :n] = np.where(leaf, own, tree["right"])
        found["threshold"][at, :n] = _rounded_down(tree["num_threshold"])
        found["value"][at, :n] = tree["value"]
        depth = max(depth, int(tree["depth"].max()))
    start = sum((np.ravel(m.model._baseline_prediction) @ m.spread for m in members), np.zeros(len(bias)))
    return found | {"spread": spread.astype(np.float32), "bias": (bias + start).astype(np.float32)}, depth


def _rounded_down(threshold: Array) -> Array:
    """Return the largest float32 not above each threshold: for a float32 x, ``x <= threshold`` stays the same."""
    near = threshold.astype(np.float32)
    return np.where(near.astype(np.float64) > threshold, np.nextafter(near, np.float32(-np.inf)), near)
