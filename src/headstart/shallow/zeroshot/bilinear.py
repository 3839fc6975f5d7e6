"""A bilinear compatibility ``x V a_k`` learned by ranking: what ALE, DeViSE and SJE share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from headstart.functional.folds import Array

EPOCHS, BATCH, MARGIN = 30, 32, 1.0
Weigh = Callable[[Array], Array]
"""From how far each class violates the margin [n, s] (0 where it does not) to its weight in the gradient [n, s]."""


def rank(features: Array, labels: Array, attributes: Array, weigh: Weigh, strength: float, seed: int) -> Array:
    """Return weights [k, d] after stochastic gradient descent on the ranking of the classes with samples.

    A row x of class y pushes ``V`` along ``x (a_y sum_c w_c - sum_c w_c a_c)``, w the weights of the classes c whose
    ``MARGIN + x V a_c - x V a_y`` is above 0. The rate is ``strength`` over the rows' mean square length, and falls
    to 0.

    Parameters
    ----------
    features : [n, d]. labels : [n], rows of ``attributes``. attributes : [k, a], of all classes.
    """
    rng, seen = np.random.default_rng(seed), np.unique(labels)
    place, known = np.searchsorted(seen, labels), attributes[seen]
    sizes = np.square(features).sum(axis=1).mean() * np.square(known).sum(axis=1).mean()
    kept, steps = np.zeros((features.shape[1], attributes.shape[1])), EPOCHS * -(-len(features) // BATCH)
    for step in range(steps):
        rows = rng.choice(len(features), min(BATCH, len(features)), replace=False)
        x, y = features[rows], place[rows]
        scores = x @ kept @ known.T
        violated = np.maximum(MARGIN + scores - scores[np.arange(len(rows)), y][:, None], 0.0)
        violated[np.arange(len(rows)), y] = 0.0
        weights = weigh(violated)
        push = weights.sum(axis=1)[:, None] * known[y] - weights @ known
        kept += strength * (1 - step / steps) / max(sizes, 1e-12) * x.T @ push / len(rows)
    return attributes @ kept.T
