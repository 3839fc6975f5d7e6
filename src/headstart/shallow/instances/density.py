"""The density ratio by a calibrated classifier that tells the two domains apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from headstart.functional.calibration import calibrate
from headstart.functional.linear import logistic_path, principal, unfold
from headstart.functional.order import content_folds, order_free
from headstart.shallow.linear import default_strengths

Array = np.ndarray


@order_free
def classifier_weights(
    source: Array,
    target: Array,
    *,
    labels: Array | None = None,
    seed: int = 0,
    estimator: Any = None,
    n_folds: int = 5,
    upper: float = 1000.0,
) -> Array:
    """Weigh source rows [n, d] by ``w(x) = n / m  P(target | x) / P(source | x)``, by Bayes' rule the density ratio.

    Every row is judged by a classifier that has not seen it, nor an equal row of the other domain; the scores of all
    folds are then calibrated together by one temperature and bias. Identical domains have weights of 1. Labels are not
    used.

    Parameters
    ----------
    estimator : classifier with ``predict_proba`` for the domain (1 for the target); None for logistic regression, its
        strength chosen by the log-loss of held-out rows. It is linear, so that the ratio of two normal distributions is
        in its reach only where they share their covariance; for others, hand in a pipeline with squares or trees.
    n_folds : of both domains' rows. upper : the largest weight.

    References
    ----------
    Qin, "Inferences for Case-Control and Semiparametric Two-Sample Density Ratio Models", Biometrika 1998.
    Bickel, Brueckner and Scheffer, "Discriminative Learning for Differing Training and Test Distributions", ICML 2007.
    """
    rows = np.concatenate([source, target])
    domain = np.repeat([0, 1], [len(source), len(target)])
    folds = np.concatenate(content_folds(source, target, n_folds=n_folds, seed=seed))
    scores = _logistic_scores(rows, domain, folds) if estimator is None else _scores(rows, domain, folds, estimator)
    both = np.stack([np.zeros(len(rows)), scores], axis=1)
    slope, bias = calibrate(both, domain)
    log_odds = slope * scores[: len(source)] + bias[1] - bias[0]
    return np.minimum(np.exp(np.clip(log_odds, -50, 50)) * len(source) / len(target), upper)


def _trainable(domain: Array, folds: Array) -> list[tuple[Array, Array]]:
    """Pairs of (rows to learn from, rows to judge), bool [N]; a fold without which a domain is empty is left at 0."""
    pairs = [(folds != fold, folds == fold) for fold in np.unique(folds)]
    return [(train, held) for train, held in pairs if len(np.unique(domain[train])) == 2]


def _logistic_scores(rows: Array, domain: Array, folds: Array) -> Array:
    """Held-out log-odds [N] of the strength that has the least held-out log-loss."""
    strengths = default_strengths("classification")
    scores = np.zeros((len(strengths), len(rows)))
    for train, held in _trainable(domain, folds):
        basis = principal(rows[train])
        for index, solution in enumerate(logistic_path(basis, np.eye(2)[domain[train]], strengths)):
            coef, intercept = unfold(basis, *solution)
            outputs = rows[held] @ coef.T + intercept
            scores[index, held] = outputs[:, 1] - outputs[:, 0]
    losses = np.logaddexp(0, np.where(domain == 1, -scores, scores)).mean(axis=1)
    return scores[int(np.argmin(losses.round(12)))]


def _scores(rows: Array, domain: Array, folds: Array, estimator: Any) -> Array:
    scores = np.zeros(len(rows))
    for train, held in _trainable(domain, folds):
        model: Any = clone(estimator)
        p = model.fit(rows[train], domain[train]).predict_proba(rows[held])
        scores[held] = np.log(np.clip(p[:, 1], 1e-6, 1)) - np.log(np.clip(p[:, 0], 1e-6, 1))
    return scores
