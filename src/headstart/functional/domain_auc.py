"""How well a linear classifier tells two domains apart."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, rankdata

from headstart.functional.linear import logistic_path, principal, unfold

Array = np.ndarray


def domain_auc(
    source: Array, target: Array, *, folds: int = 5, strength: float = 0.01, seed: int = 0, level: float = 0.95
) -> tuple[float, tuple[float, float]]:
    """Return the AUC of a cross-validated logistic classifier source against target, and its interval.

    0.5: not to be told apart; 1: disjoint. The proxy A-distance is ``2 (2 AUC - 1)`` in spirit.

    Parameters
    ----------
    source, target : features [n, d] and [m, d].
    strength : L2 penalty per sample on standardised features.

    References
    ----------
    Ben-David et al., "Analysis of Representations for Domain Adaptation", NeurIPS 2006; interval: DeLong, DeLong
    and Clarke-Pearson, Biometrics 1988.
    """
    features = np.concatenate([source, target])
    label = (np.arange(len(features)) < len(source)).astype(np.float64)
    fold = _folds(label, folds, np.random.default_rng(seed))
    scores = np.empty(len(features))
    for number in np.unique(fold):
        train, held = fold != number, fold == number
        basis = principal(features[train])
        solution = logistic_path(basis, label[train, None], np.array([strength]), link="sigmoid")[0]
        coef, intercept = unfold(basis, *solution)
        scores[held] = (features[held] @ coef.T + intercept)[:, 0]
    return auc_interval(scores[label == 1], scores[label == 0], level)


def _folds(label: Array, folds: int, rng: np.random.Generator) -> Array:
    """Number the folds within each class, so that each holds its share of both."""
    fold = np.empty(len(label), dtype=int)
    for value in (0, 1):
        rows = rng.permutation((label == value).nonzero()[0])
        fold[rows] = np.arange(len(rows)) % folds
    return fold


def auc_interval(positive: Array, negative: Array, level: float = 0.95) -> tuple[float, tuple[float, float]]:
    """Return ``P(positive > negative) + P(equal) / 2`` and DeLong's interval, clipped to [0, 1].

    At 0 or 1 DeLong's variance is 0; the far edge is then Clopper and Pearson's for the smaller sample.
    """
    n, m = len(positive), len(negative)
    ranks = rankdata(np.concatenate([positive, negative]))
    above = (ranks[:n] - rankdata(positive)) / m
    below = 1 - (ranks[n:] - rankdata(negative)) / n
    auc = float(above.mean())
    deviation = float(np.sqrt(above.var(ddof=1) / n + below.var(ddof=1) / m)) if min(n, m) > 1 else 1.0
    margin = float(norm.ppf((1 + level) / 2)) * deviation
    low, high = max(0.0, auc - margin), min(1.0, auc + margin)
    edge = float(((1 - level) / 2) ** (1 / min(n, m)))
    if deviation == 0.0 and auc in (0.0, 1.0):
        low, high = (edge, 1.0) if auc == 1.0 else (0.0, 1 - edge)
    return auc, (low, high)
