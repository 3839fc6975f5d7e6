"""The density ratio by a calibrated classifier that tells the two domains apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.functional.calibration import calibrate
from headstart.functional.order_free import content_folds, order_free
from headstart.shallow.instances.held_out import held_out_scores

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
    scores, _ = held_out_scores(rows, domain, folds, rows[:0], folds[:0], estimator)
    slope, bias = calibrate(scores, domain)
    own = scores[: len(source)]
    log_odds = slope * (own[:, 1] - own[:, 0]) + bias[1] - bias[0]
    return np.minimum(np.exp(np.clip(log_odds, -50, 50)) * len(source) / len(target), upper)
