"""How models without gradients choose: one score per sample, folds, strengths, and the best of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from headstart.functional.linear import probabilities

Array = np.ndarray
Fold = tuple[Array, Array]
LINKS = {"classification": "softmax", "multilabel": "sigmoid"}


def per_sample(outputs: Array, labels: Array, kind: str) -> tuple[Array, Array]:
    """Return each sample's score (higher is better) and loss, [n] each, for raw outputs [n, k].

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


def best(scores: Array, losses: Array, preference: Array) -> int:
    """Return the candidate of the best mean score; among equals the least loss, then the largest preference."""
    return int(np.lexsort((-np.asarray(preference), losses.round(12), -scores.round(12)))[0])


def cross_validated(
    outputs: Callable[[Array, Array], Sequence[Array]], labels: Array, kind: str, folds: list[Fold]
) -> tuple[Array, Array]:
    """Return the scores and losses [candidates, n] of held rows (`per_sample`).

    Parameters
    ----------
    outputs : ``(train, held) -> raw outputs [held, k] of each candidate`` learned on the rows ``train``.
    labels : class numbers [n], or values [n, k].
    """
    scores = losses = np.zeros((0, len(labels)))
    for train, held in folds:
        judged = [per_sample(candidate, labels[held], kind) for candidate in outputs(train, held)]
        if not len(scores):
            scores, losses = np.zeros((2, len(judged), len(labels)))
        for number, (score, loss) in enumerate(judged):
            scores[number, held], losses[number, held] = score, loss
    return scores, losses


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
