"""Label shift: only the classes' shares differ between the domains, so that a source row's weight is its class's.

All functions return ``w[labels]`` with ``w_k = P_target(y = k) / P_source(y = k)``. BBSE and MLLS look at the domains
through a classifier; every row, also the target's, is judged by a model that has not seen it or an equal row, so that
held-out source rows and target rows are judged alike and identical domains have weights of 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import nnls
from scipy.special import softmax

from headstart.functional.box import Box, Program, minimise
from headstart.functional.calibration import calibrate
from headstart.functional.landmarks import kernel_mean, landmark_features, landmark_turn, sampled_bandwidth
from headstart.functional.mixture import mixture_proportions
from headstart.functional.order_free import content_folds, order_free, same_scale
from headstart.shallow.instances.held_out import held_out_scores

Array = np.ndarray


def class_weights_by_confusion(confusion: Array, shares: Array, target_shares: Array) -> Array:
    """Solve ``confusion w = target_shares`` for class weights w [k] >= 0 whose mean under ``shares`` is 1.

    ``confusion[i, j]`` = P_source(predicted i, class j) [k, k], ``target_shares[i]`` = P_target(predicted i),
    ``shares[j]`` = P_source(class j). Non-negative least squares, with the condition ``shares' w = 1`` as a row that
    outweighs the others.
    """
    condition = 1e3 * shares
    system = np.vstack([confusion, condition])
    return nnls(system, np.append(target_shares, 1e3))[0]


def class_weights_by_likelihood(probabilities: Array, shares: Array) -> Array:
    """Return class weights w [k] under which target rows are most likely.

    ``max_w mean_j log sum_k w_k P_source(k | t_j)`` with ``shares' w = 1``, w >= 0: what the EM algorithm of Saerens et
    al. climbs to, found here by `mixture_proportions` of the densities ``P_source(k | t_j) / shares_k``.

    Parameters
    ----------
    probabilities : calibrated, of target rows [m, k]. shares : P_source(k) [k], above 0.
    """
    densities = probabilities / shares
    found = mixture_proportions(densities, start=shares, tolerance=1e-12, max_iterations=0)
    if found.gap > 1e-12:
        found = mixture_proportions(densities, start=shares, tolerance=1e-9)
    return found.proportions / shares


@order_free
def bbse_weights(
    source: Array,
    target: Array,
    *,
    labels: Array | None = None,
    seed: int = 0,
    estimator: Any = None,
    n_folds: int = 5,
) -> Array:
    """Weigh source rows [n, d] by their class [n], by black-box shift estimation.

    See `class_weights_by_confusion`; the confusion is of probabilities (the paper's soft variant) of held-out rows.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``; None for logistic regression, its strength chosen by the
        log-loss of held-out rows. n_folds : of the held-out predictions.

    Raises
    ------
    ValueError : without labels, or with labels that are not class numbers.

    References
    ----------
    Lipton, Wang and Smola, "Detecting and Correcting for Label Shift with Black Box Predictors", ICML 2018, section 4.
    """
    labels, own = _classes("bbse", labels)
    scores = _held_out(source, target, labels, estimator, n_folds, seed)
    at_source, at_target = (softmax(values, axis=1) for values in scores)
    confusion = at_source.T @ own / len(own)
    return class_weights_by_confusion(confusion, own.mean(axis=0), at_target.mean(axis=0))[labels]


@order_free
def mlls_weights(
    source: Array,
    target: Array,
    *,
    labels: Array | None = None,
    seed: int = 0,
    estimator: Any = None,
    n_folds: int = 5,
) -> Array:
    """Weigh source rows [n, d] by their class [n], by maximum likelihood of the target's class shares.

    Held-out probabilities are calibrated by a temperature and a bias per class; see `class_weights_by_likelihood`.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``; None for logistic regression, its strength chosen by the
        log-loss of held-out rows. n_folds : of the held-out predictions.

    Raises
    ------
    ValueError : without labels, or with labels that are not class numbers.

    References
    ----------
    Saerens, Latinne and Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori Probabilities: A Simple
    Procedure", Neural Computation 2002, section 2. Alexandari, Kundaje and Shrikumar, "Maximum Likelihood with
    Bias-Corrected Calibration is Hard-To-Beat at Label Shift Adaptation", ICML 2020.
    """
    labels, _ = _classes("mlls", labels)
    at_source, at_target = _held_out(source, target, labels, estimator, n_folds, seed)
    calibration = calibrate(at_source, labels)
    shares = calibration(at_source).mean(axis=0)
    return class_weights_by_likelihood(calibration(at_target), shares)[labels]


@order_free
def mmdtars_weights(
    source: Array,
    target: Array,
    *,
    labels: Array | None = None,
    seed: int = 0,
    standardise: bool = True,
    bandwidth: float | None = None,
    ridge: float = 0.1,
    upper: float = 1000.0,
    landmarks: int | None = None,
) -> Array:
    """Weigh source rows [n, d] by their class [n], until the classes' kernel means add up to the target's.

    ``min_q || sum_k q_k mu_k - mu_target ||^2 + ridge sum_k (q_k - p_k)^2 / n_k`` over ``sum_k q_k = 1`` and
    ``0 <= q_k <= upper p_k``, with mu_k the mean of phi over the n_k source rows of class k, and p_k their share;
    ``w_k = q_k / p_k``. It is the paper's problem with a label kernel that tells classes apart, no classifier needed.

    Parameters
    ----------
    bandwidth : of the Gaussian kernel; None for the median distance of pooled rows. ridge, upper : as in KMM.
    landmarks : number of Nystroem landmarks, 0 for the exact kernel; None for exact up to 2,000 pooled rows and 1,000
        landmarks above.
    standardise : whether columns are first brought to mean 0 and standard deviation 1 of the pooled rows.

    Raises
    ------
    ValueError : without labels, or with labels that are not class numbers.

    References
    ----------
    Zhang, Schoelkopf, Muandet and Wang, "Domain Adaptation under Target and Conditional Shift", ICML 2013, section 3.
    """
    labels, own = _classes("mmdtars", labels)
    if standardise:
        source, target = same_scale(source, target)
    pooled = np.concatenate([source, target])
    width = bandwidth or sampled_bandwidth(pooled, seed=seed)
    count = (0 if len(pooled) <= 2000 else 1000) if landmarks is None else min(landmarks, len(pooled))
    means = own / own.sum(axis=0)
    if count:
        chosen = np.sort(np.random.default_rng(seed).choice(len(pooled), count, replace=False))
        turn = landmark_turn(pooled[chosen], width)
        centres = means.T @ landmark_features(source, pooled[chosen], turn, width)
        gram, aim = centres @ centres.T, centres @ (kernel_mean(pooled[chosen], target, width) @ turn)
    else:
        rows = [source[labels == k] for k in range(own.shape[1])]
        gram = np.array([[kernel_mean(first, second, width).mean() for second in rows] for first in rows])
        aim = np.array([kernel_mean(first, target, width).mean() for first in rows])
    return _match_classes(gram, aim, own.sum(axis=0), ridge, upper)[labels]


def _match_classes(gram: Array, aim: Array, counts: Array, ridge: float, upper: float) -> Array:
    shares = counts / counts.sum()
    matrix = gram + np.diag(ridge / counts)
    linear = aim + ridge * shares / counts
    program = Program(lambda q: matrix @ q, linear, float(np.linalg.eigvalsh(matrix)[-1]))
    return minimise(program, Box(upper * shares, 1.0, 1.0), shares, tolerance=1e-9).point / shares


def _classes(name: str, labels: Array | None) -> tuple[Array, Array]:
    """Return class numbers without gaps and their indicators [n, k]; refuse what is no class number."""
    if labels is None:
        raise ValueError(f"{name} weighs classes and needs labels of the source rows; labels is None.")
    if labels.dtype.kind not in "iu":
        raise ValueError(
            f"{name} weighs classes, and labels holds {labels.dtype} values; class numbers (integers) are expected, "
            "and for a regression one of the weights that do not use labels."
        )
    found, numbers = np.unique(labels, return_inverse=True)
    return numbers, np.eye(len(found))[numbers]


def _held_out(
    source: Array, target: Array, labels: Array, estimator: Any, n_folds: int, seed: int
) -> tuple[Array, Array]:
    folds, target_folds = content_folds(source, target, labels=labels, n_folds=n_folds, seed=seed)
    return held_out_scores(source, labels, folds, target, target_folds, estimator)
