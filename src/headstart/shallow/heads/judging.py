"""How good raw outputs are: one score and one loss per sample, and those of held rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from headstart.functional.folds import Array, Fold
from headstart.functional.linear import probabilities
from headstart.shallow.heads.labels import link_of


def per_sample(outputs: Array, labels: Array, kind: str) -> tuple[Array, Array]:
    """Return each sample's score (higher is better) and loss, [n] each, for raw outputs [n, k].

    The score is the task's primary metric: hit, F1 of the label set, or the negative absolute error.
    """
    link = link_of(kind)
    if link == "identity":
        return -np.abs(outputs - labels).mean(axis=1), np.square(outputs - labels).mean(axis=1)
    p = np.clip(probabilities(outputs, link), 1e-12, 1 - 1e-12)
    if link == "softmax":
        return (outputs.argmax(axis=1) == labels).astype(float), -np.log(p[np.arange(len(p)), labels])
    chosen, true = outputs > 0, labels > 0.5
    size = chosen.sum(axis=1) + true.sum(axis=1)
    f1 = np.where(size == 0, 1.0, 2 * (chosen & true).sum(axis=1) / np.maximum(size, 1))
    return f1, -np.where(true, np.log(p), np.log1p(-p)).mean(axis=1)


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
