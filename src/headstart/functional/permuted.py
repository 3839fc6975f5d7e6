"""Are two samples of one distribution? Several statistics under the same permutations, and one p for all of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from headstart.functional.mmd import median_bandwidth, mmd_of_gram, rbf

Array = np.ndarray
PERMUTATIONS = 400
LARGEST = 10.0
"""Deviations at which standardised features are cut off."""
STRENGTHS = (0.1, 1.0)
"""L2 penalties per row of the linear domain classifier, on standardised features."""
AXES = 100
"""Principal axes that it reads at most."""


class TwoSamples(NamedTuple):
    """Evidence that two samples differ.

    Attributes
    ----------
    p : of everything together; at no difference it is at most ``a`` with probability ``a``, exactly.
    each : statistic to its own p. mmd : squared maximum mean discrepancy, unbiased.
    """

    p: float
    each: dict[str, float]
    mmd: float


def draws(first: int, second: int, count: int, seed: int) -> Array:
    """Return who is of the first sample, [first + second, 1 + count]: as it is, then ``count`` times permuted."""
    rng = np.random.default_rng(seed)
    own = (np.arange(first + second) < first).astype(np.float64)
    return np.stack([own, *(rng.permutation(own) for _ in range(count))], axis=1)


def together(statistics: Array) -> tuple[Array, float]:
    """Return each statistic's permutation p [t], and the p of the smallest of them.

    The smallest p is compared with the smallest p of every permutation, so that statistics that say the same cost
    nothing, and the level holds exactly.

    Parameters
    ----------
    statistics : [1 + b, t], the observed ones first; larger speaks for a difference.

    References
    ----------
    Westfall and Young, "Resampling-Based Multiple Testing", 1993, section 2.3; Phipson and Smyth, "Permutation P-values
    Should Never Be Zero", 2010.
    """
    count = len(statistics)
    p = (1 + count - rankdata(statistics, method="min", axis=0)) / count
    smallest = p.min(axis=1)
    return p[0], float((smallest <= smallest[0]).mean())


def compare_features(first: Array, second: Array, *, seed: int = 0, count: int = PERMUTATIONS) -> TwoSamples:
    """Compare features [n, d] and [m, d] by MMD and by a linear domain classifier, one row left out at a time."""
    members = draws(len(first), len(second), count, seed)
    rows = standardised(np.concatenate([first, second]))
    kernel = rbf(rows, rows, median_bandwidth(rows))
    found = {"mmd": mmd_of_gram(kernel, members)}
    for strength in STRENGTHS:
        found[f"auc_{strength:g}"] = left_out_auc(rows, members, strength)
    return _told(found)


def compare_answers(
    first: Array, second: Array, scores: tuple[Array, Array] | None, *, seed: int = 0, count: int = PERMUTATIONS
) -> TwoSamples:
    """Compare a model's answers [n, k] and [m, k] by MMD and means; and how sure it is, by mean ``scores``.

    References
    ----------
    Rabanser, Günnemann and Lipton, "Failing Loudly: An Empirical Study of Methods for Detecting Dataset Shift",
    NeurIPS 2019 (a classifier's outputs as the representation to test on).
    """
    members = draws(len(first), len(second), count, seed)
    rows = np.concatenate([first, second]).astype(np.float64)
    kernel = rbf(rows, rows, median_bandwidth(rows))
    found = {"mmd": mmd_of_gram(kernel, members), "means": _mean_distance(rows, members)}
    if scores is not None:
        found["sureness"] = np.sqrt(_mean_distance(np.concatenate(scores)[:, None].astype(np.float64), members))
    return _told(found)


def _told(found: dict[str, Array]) -> TwoSamples:
    each, p = together(np.stack(list(found.values()), axis=1))
    return TwoSamples(p, dict(zip(found, map(float, each), strict=True)), float(found["mmd"][0]))


def standardised(rows: Array) -> Array:
    """Return rows [n, d] of mean 0 and deviation 1, cut off at `LARGEST`, without columns that do not vary."""
    rows = np.asarray(rows, dtype=np.float64)
    spread = rows.std(axis=0)
    keep = spread > 1e-6 * max(float(spread.max(initial=0.0)), 1e-12)
    rows = (rows[:, keep] - rows[:, keep].mean(axis=0)) / spread[keep]
    return rows.clip(-LARGEST, LARGEST) if rows.shape[1] else np.zeros((len(rows), 1))


def left_out_auc(rows: Array, members: Array, strength: float) -> Array:
    """Return the AUC [b] of a ridge classifier of ``members`` [n, b], each row judged by the others' fit.

    With the hat matrix H of the rows, the prediction of row i without it is ``(H y - h_ii y)_i / (1 - h_ii)``: one
    decomposition serves every permutation.

    References
    ----------
    Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2009, equation 7.46. Lopez-Paz and Oquab,
    "Revisiting Classifier Two-Sample Tests", ICLR 2017.
    """
    n = len(rows)
    centred = rows - rows.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    left, values = left[:, :AXES], values[:AXES]
    scaled = left * (values**2 / (values**2 + strength * n))
    own = (left * scaled).sum(axis=1) + 1 / n
    share = members.mean(axis=0)
    fitted = scaled @ (left.T @ members) + share
    scores = (fitted - own[:, None] * members) / (1 - own)[:, None]
    ranks = rankdata(scores, axis=0)
    size = members.sum(axis=0)
    return ((ranks * members).sum(axis=0) - size * (size + 1) / 2) / (size * (n - size))


def _mean_distance(rows: Array, members: Array) -> Array:
    """Return the squared distance [b] of both samples' means, in units of the pooled covariance, slightly shrunk."""
    centred = rows - rows.mean(axis=0)
    covariance = centred.T @ centred / len(rows)
    d = len(covariance)
    covariance += (0.1 * np.trace(covariance) / d + 1e-12) * np.eye(d)
    size = members.sum(axis=0)
    gap = centred.T @ members / size - centred.T @ (1 - members) / (len(rows) - size)
    return (gap * np.linalg.solve(covariance, gap)).sum(axis=0)
