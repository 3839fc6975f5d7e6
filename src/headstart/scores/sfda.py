"""SFDA: a shrunk discriminant analysis, made harder where it was sure, as a stand-in for fine-tuning."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

from headstart.scores.basis import Array, class_means, classes_of, economy, read

STEEPNESS = 5.0
LEAST = 1e-8
"""Ridge of the within-class covariance at the least, as a share of its mean diagonal."""


def sfda(features: Array, labels: Array) -> float:
    """Return the mean probability of the true class after two rounds of shrunk discriminant analysis, in (0, 1].

    A round scores ``x' S^-1 m_c - 1/2 m_c' S^-1 m_c + log p_c`` with class means m_c, shares p_c and
    ``S = (1 - a) S_w + a I``, ``a = exp(-5 s)``, s the largest eigenvalue of the within-class covariance S_w of the
    first round. Between the rounds each row is mixed with the mean of the other classes' rows, ``p x + (1 - p) o_c``,
    by its softened probability p of its own class (a softmax of the probabilities).

    Parameters
    ----------
    features : [n, d]. labels : class numbers [n].

    References
    ----------
    Shao et al., "Not All Models Are Equal: Predicting Model Transferability in a Self-challenging Fisher Space", ECCV
    2022, equations 4 to 8. As in its code the last mean is of probabilities, not of their logs.
    """
    x, y = read(features, labels)
    classes_of(y, "SFDA")
    basis = economy(x)
    rows, n = basis.rows, len(x)
    means, shares = class_means(rows, y)
    within = np.diag(basis.squares / n) - (means.T * shares) @ means
    shrinkage = float(np.exp(-STEEPNESS * _largest(within)))
    soft = softmax(_probabilities(rows, means, shares, within, shrinkage), axis=1)[np.arange(n), y][:, None]
    others = -shares[:, None] * means / np.maximum(1 - shares, 1e-12)[:, None]  # the common mean is 0
    mixed = soft * rows
    mixed += (1 - soft) * others[y]
    means, shares = class_means(mixed, y)
    within = mixed.T @ mixed / n - (means.T * shares) @ means
    found = _probabilities(mixed, means, shares, within, shrinkage)
    return float(found[np.arange(n), y].mean())


def _largest(matrix: Array, steps: int = 50) -> float:
    """Return the largest eigenvalue of a symmetric matrix without negative ones, by power iteration."""
    vector = np.random.default_rng(0).standard_normal(len(matrix))
    for _ in range(steps):
        vector = matrix @ (vector / max(float(np.linalg.norm(vector)), 1e-300))
    return float(np.linalg.norm(vector))


def _probabilities(rows: Array, means: Array, shares: Array, within: Array, shrinkage: float) -> Array:
    shrunk = (1 - shrinkage) * within
    least = LEAST * (float(np.trace(within)) / len(within) or 1.0)
    shrunk.flat[:: len(shrunk) + 1] += max(shrinkage, least)
    turned = cho_solve(cho_factor(shrunk, check_finite=False), means.T, check_finite=False)
    return softmax(rows @ turned - 0.5 * (means.T * turned).sum(axis=0) + np.log(shares), axis=1)
