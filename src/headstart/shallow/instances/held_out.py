"""Scores of rows by classifiers that have not seen them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_softmax
from sklearn.base import clone

from headstart.functional.folds import default_strengths
from headstart.functional.linear import logistic_path, principal, unfold

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
        log-loss over all held-out rows: one path per fold serves the choice and the answer.
    """
    everything, all_folds, k = np.concatenate([rows, others]), np.append(folds, other_folds), int(labels.max()) + 1
    strengths = default_strengths("classification") if estimator is None else np.ones(1)
    scores = np.zeros((len(strengths), len(everything), k))
    for fold in np.unique(all_folds):
        train, held = folds != fold, all_folds == fold
        shown = np.unique(labels[train])
        if len(shown) < 2:
            continue
        judged = _path if estimator is None else _fit
        answers = judged(rows[train], labels[train], shown, everything[held], strengths, estimator)
        block = np.repeat(answers.min(axis=2, keepdims=True) - 10.0, k, axis=2)
        block[:, :, shown] = answers
        scores[:, held] = block
    best = scores[_least_loss(scores[:, : len(rows)], labels)]
    return best[: len(rows)], best[len(rows) :]


def _path(rows: Array, labels: Array, shown: Array, held: Array, strengths: Array, estimator: None) -> Array:
    basis = principal(rows)
    wanted = (labels[:, None] == shown).astype(np.float64)
    solutions = [unfold(basis, *solution) for solution in logistic_path(basis, wanted, strengths)]
    return np.stack([held @ coef.T + intercept for coef, intercept in solutions])


def _fit(rows: Array, labels: Array, shown: Array, held: Array, strengths: Array, estimator: Any) -> Array:
    model: Any = clone(estimator)
    return np.log(np.maximum(model.fit(rows, labels).predict_proba(held), 1e-6))[None]


def _least_loss(scores: Array, labels: Array) -> int:
    """The strength of the least mean log-loss; the strongest among equals."""
    logs = log_softmax(scores, axis=2)
    return int(np.argmin(-logs[:, np.arange(len(labels)), labels].mean(axis=1).round(12)))
