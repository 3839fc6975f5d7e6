"""What speaks for each of several sources: nearness to the target, its own labels' worth, and the target's labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import nnls
from sklearn.metrics import r2_score

from headstart.functional.folds import default_folds
from headstart.functional.mmd import mmd
from headstart.shallow.adaptation import dense
from headstart.shallow.source_model import answers, fit_model, own_order

Array = np.ndarray
MOST_ROWS = 500


def nearness(sources: list[Any], target: Any, seed: int = 0) -> Array:
    """Return how near each source is to the target, [s], sum 1: ``1 / (MMD^2_j + 1/n_j + 1/m)``, scaled.

    Features are standardised over all rows; at most 500 rows per domain are compared. ``1/n_j + 1/m`` is the size of
    MMD^2 between two samples of one distribution: what is smaller cannot be told from 0.

    References
    ----------
    Gretton et al., "A Kernel Two-Sample Test", JMLR 2012. Mansour, Mohri and Rostamizadeh, "Domain Adaptation with
    Multiple Sources", NIPS 2008 (weights by the domains' distributions).
    """
    samples = [_sample(part, seed) for part in (*sources, target)]
    pooled = np.concatenate(samples)
    spread = pooled.std(axis=0)
    scale = np.where(spread > 1e-12, spread, 1.0)
    *first, last = ((part - pooled.mean(axis=0)) / scale for part in samples)
    worth = [
        1 / (max(mmd(part, last, unbiased=min(len(part), len(last)) > 1), 0.0) + 1 / len(part) + 1 / len(last))
        for part in first
    ]
    return np.array(worth) / sum(worth)


def _sample(rows: Any, seed: int) -> Array:
    order = own_order(rows, np.zeros(rows.shape[0]))
    chosen = np.random.default_rng(seed).permutation(rows.shape[0])[:MOST_ROWS]
    return dense(rows[order[np.sort(chosen)]])


def skill(estimator: Any, rows: Any, labels: Array, target: Any, *, n_folds: int = 3, seed: int = 0) -> float:
    """Return how much better than chance a source's labels can be predicted from its own rows, in [0, 1].

    Cross-validated: balanced accuracy from 1 / k (0) to 1 (1), or R^2, cut at 0. Labels that are noise have 0.
    """
    of_classes = labels.dtype.kind in "iu"
    classes = np.unique(labels) if of_classes else np.zeros(0)
    if len(labels) < 2 * n_folds or (of_classes and len(classes) < 2):
        return 0.0
    said = np.zeros(len(labels))
    for train, held in default_folds(labels, "classification" if of_classes else "regression", n_folds, seed):
        model = fit_model(estimator, rows[train], labels[train], target)
        if of_classes:
            said[held] = answers(model, rows[held], int(labels.max()) + 1, is_source=True).argmax(axis=1)
        else:
            said[held] = answers(model, rows[held], None, is_source=True)
    if not of_classes:
        return max(0.0, float(r2_score(labels, said)))
    chance = 1 / len(classes)
    recall = np.mean([np.mean(said[labels == c] == c) for c in classes])
    return max(0.0, float((recall - chance) / (1 - chance)))


def prior_weights(near: Array, skills: Array) -> Array:
    """Return ``near * skill`` [s], sum 1; nearness alone where no source shows any skill."""
    worth = near * skills
    return worth / worth.sum() if worth.sum() > 0 else near / near.sum()


def mixture_weights(likelihood: Array, prior: Array, strength: float, rounds: int = 200) -> Array:
    """Return weights [s] of sum 1 that explain labelled target rows best, near a prior.

    Maximises ``sum_i log sum_j w_j p_j(y_i | x_i) + strength sum_j prior_j log w_j``, a concave problem, by EM.

    Parameters
    ----------
    likelihood : [n, s], what each source's model gives the true class. strength : labelled rows the prior counts for.
    """
    weights = prior
    floored = np.maximum(likelihood, 1e-6)
    for _ in range(rounds):
        share = floored * weights
        share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
        new = (share.sum(axis=0) + strength * prior) / (len(share) + strength)
        done, weights = np.abs(new - weights).max() < 1e-9, new
        if done:
            break
    return weights


def breiman_weights(said: Array, values: Array, prior: Array, strength: float) -> Array:
    """Return weights [s], not negative and of sum 1, of least squared error on labelled target rows, near a prior.

    ``min_w ||y - F w||^2 + strength v ||w - prior||^2`` with v the least mean squared error among the members' and that
    of the prior's own combination, by non-negative least squares.

    References
    ----------
    Breiman, "Stacked Regressions", Machine Learning 1996, section 3.
    """
    unit = float(np.abs(np.column_stack([said, values])).max()) or 1.0
    said, values = said / unit, values / unit
    errors = np.column_stack([said, said @ prior]) - values[:, None]
    variance = float((errors**2).mean(axis=0).min()) + 1e-12
    hold = np.sqrt(strength * variance)
    system = np.vstack([said, hold * np.eye(len(prior)), 1e3 * np.ones(len(prior))])
    found = nnls(system, np.concatenate([values, hold * prior, [1e3]]))[0]
    return found / found.sum() if found.sum() > 0 else prior
