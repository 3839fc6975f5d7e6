"""Gaussian weights: the ratio of two normal densities fitted to the domains."""

from __future__ import annotations

import numpy as np
from sklearn.covariance import ledoit_wolf

from headstart.functional.order_free import order_free, same_scale

Array = np.ndarray


def log_normal(rows: Array, mean: Array, covariance: Array) -> Array:
    """Return the log-density [n] of rows [n, d] under a normal distribution, from the covariance's Cholesky factor."""
    root = np.linalg.cholesky(covariance)
    turned = np.linalg.solve(root, (rows - mean).T)
    constant = 0.5 * len(mean) * np.log(2 * np.pi) + np.log(np.diag(root)).sum()
    return -0.5 * (turned**2).sum(axis=0) - constant


@order_free
def gaussian_weights(
    source: Array,
    target: Array,
    *,
    labels: Array | None = None,
    seed: int = 0,
    standardise: bool = True,
    power: float = 1.0,
) -> Array:
    """Weigh source rows [n, d] by ``(N(x; mu_t, S_t) / N(x; mu_s, S_s))^power``, brought to mean 1.

    The covariances are shrunk towards a multiple of the identity by Ledoit and Wolf's rule, which makes them regular
    with more columns than rows. In many dimensions the ratio falls on a few rows even when the domains are close: the
    effective sample size says so, and ``power`` below 1 flattens it. Labels are not used.

    References
    ----------
    Shimodaira, "Improving predictive inference under covariate shift by weighting the log-likelihood function",
    Journal of Statistical Planning and Inference 2000 (the ratio of two fitted densities, and the power).
    Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", JMVA 2004.
    """
    if standardise:
        source, target = same_scale(source, target)
    ratio = log_normal(source, *_moments(target)) - log_normal(source, *_moments(source))
    raw = np.exp(power * (ratio - ratio.max()))
    return raw / raw.mean()


def _moments(rows: Array) -> tuple[Array, Array]:
    """Mean and shrunk covariance; columns that do not vary get a speck of variance."""
    covariance = ledoit_wolf(rows)[0] if len(rows) > 1 else np.eye(rows.shape[1])
    return rows.mean(axis=0), covariance + 1e-6 * np.eye(rows.shape[1])
