"""Scores of rows by classifiers that have not seen them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import log_softmax
from sklearn.base import clone

from headstart.functional.folds import climb, default_strengths
from headstart.functional.linear import path_steps, principal, unfold

Array = np.ndarray


def held_out_scores(
    rows: Array, labels: Array, folds: Array, others: Array, other_folds: Array, estimator: Any = None
) -> tuple[Array, Array]:
    """Return log-probabilities, up to a constant per row, [n, k] of ``rows`` and [m, k] of ``others``.

    A row of fold f, of either kind, is judged by the model that is fitted to the ``rows`` of all other folds. A fold
    without which one class alone is left judges nothing: its scores are 0. So is a class's score far below the others
    where the rest of the folds does not show it.

    Parameters
    ----------
    rows : labelled, [n, d]; labels : class numbers 0 to k - 1 [n]. others : [m, d]. folds, other_folds : [n], [m].
    estimator : classifier with ``predict_proba``; None for logistic regression of the strength that has the least
        log-loss over all held-out rows, weaker ones tried while the weakest so far is the best: one path per fold
        serves the choice and the answer.
    """
    everything, all_folds, k = np.concatenate([rows, others]), np.append(folds, other_folds), int(labels.max()) + 1
    strengths = default_strengths("classification") if estimator is None else np.ones(1)
    scores = np.zeros((len(strengths), len(everything), k))
    judges = []
    for fold in np.unique(all_folds):
        train, held = folds != fold, all_folds == fold
        shown = np.unique(labels[train])
        if len(shown) > 1:
            kind = _path if estimator is None else _fit
            judges.append((held, shown, kind(rows[train], labels[train], shown, everything[held], estimator)))

    def judge(number: int) -> float:
        for held, shown, answer in judges:
            answers = answer(float(strengths[number]))
            block = np.repeat(answers.min(axis=1, keepdims=True) - 10.0, k, axis=1)
            block[:, shown] = answers
            scores[number, held] = block
        return _loss(scores[number, : len(rows)], labels)

    best = scores[int(np.argmin(climb(judge, len(strengths))))]
    return best[: len(rows)], best[len(rows) :]


def _path(rows: Array, labels: Array, shown: Array, held: Array, estimator: None) -> Callable[[float], Array]:
    """Return scores of the held rows by strength; each fit starts from the one before."""
    basis = principal(rows)
    solve = path_steps(basis, (labels[:, None] == shown).astype(np.float64))

    def answer(strength: float) -> Array:
        coef, intercept = unfold(basis, *solve(strength))
        return held @ coef.T + intercept

    return answer


def _fit(rows: Array, labels: Array, shown: Array, held: Array, estimator: Any) -> Callable[[float], Array]:
    model: Any = clone(estimator)
    found = np.log(np.maximum(model.fit(rows, labels).predict_proba(held), 1e-6))
    return lambda strength: found


def _loss(scores: Array, labels: Array) -> float:
    return float(-log_softmax(scores, axis=1)[np.arange(len(labels)), labels].mean().round(12))
