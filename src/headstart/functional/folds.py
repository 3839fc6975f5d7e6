"""How models without gradients choose: folds in an order of the rows' own, strengths, and the best of several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray
Fold = tuple[Array, Array]


def projected_order(rows: Any, seed: int = 0) -> Array:
    """Return row numbers sorted by a fixed random projection: an order that does not depend on the rows' own."""
    return np.argsort(np.asarray(rows @ np.random.default_rng(seed).normal(size=rows.shape[1])), kind="stable")


def default_folds(labels: Array, kind: str, n_folds: int = 5, seed: int = 0) -> list[Fold]:
    """Return seeded folds of rows; stratified for classification, as far as the rarest class allows."""
    from sklearn.model_selection import KFold, StratifiedKFold

    n = len(labels)
    rarest = int(np.unique(labels, return_counts=True)[1].min()) if kind == "classification" else 0
    if rarest >= 2:
        splitter = StratifiedKFold(min(n_folds, rarest), shuffle=True, random_state=seed)
        return list(splitter.split(np.zeros(n), labels))
    return list(KFold(min(n_folds, n), shuffle=True, random_state=seed).split(np.zeros(n)))


def default_strengths(kind: str) -> Array:
    """Return penalties per sample: ten from 1 to 1e-6, for ridge nineteen from 1e3 to 1e-6."""
    return np.logspace(3, -6, 19) if kind == "regression" else np.logspace(0, -6, 10)


def best(scores: Array, losses: Array, preference: Array) -> int:
    """Return the candidate of the best mean score; among equals the least loss, then the largest preference."""
    return int(np.lexsort((-np.asarray(preference), losses.round(12), -scores.round(12)))[0])


def climb(judge: Callable[[int], float], count: int, first: int = 4) -> list[float]:
    """Return losses of candidates 0, 1, ... of a ladder: the first few, then more while the last one is the best.

    For candidates in an order along which the loss falls and then rises, so that the best of all is among those judged.
    """
    losses = [judge(number) for number in range(min(first, count))]
    while len(losses) < count and losses[-1] <= min(losses):
        losses.append(judge(len(losses)))
    return losses
