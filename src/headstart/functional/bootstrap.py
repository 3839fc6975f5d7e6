"""Percentile bootstrap intervals of means, over seeds and samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray


def mean_interval(scores: Array, *, seed: int = 0, draws: int = 10_000, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of scores [seeds, n] or [n].

    Two levels: each draw takes seeds with replacement and, independently, samples with replacement; a sample keeps
    its scores under all drawn seeds together, since seeds share the test split.

    Parameters
    ----------
    draws : number of resamples. level : coverage.

    References
    ----------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13; Owen, "The pigeonhole bootstrap",
    Annals of Applied Statistics 2007 (both factors resampled).
    """
    rows = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    means = _resampled_means(rows, np.random.default_rng(seed), draws)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def corpus_interval(
    measure: Callable[[Array], float], n: int, *, seed: int = 0, draws: int = 1_000, level: float = 0.95
) -> tuple[float, float, float]:
    """Return the value of ``measure(rows)`` on all n rows, and its percentile bootstrap interval.

    For a measure that is no mean over samples (macro F1, R2): it is computed anew on every resample of the rows.
    """
    rng, tail = np.random.default_rng(seed), (1 - level) / 2
    found = [measure(rng.integers(n, size=n)) for _ in range(draws)]
    low, high = np.quantile(found, [tail, 1 - tail])
    return float(measure(np.arange(n))), float(low), float(high)


def _resampled_means(rows: Array, rng: np.random.Generator, draws: int) -> Array:
    """Samples with equal scores are drawn as one pattern with its count, which is the same distribution."""
    seeds, n = rows.shape
    patterns, counts = np.unique(rows, axis=1, return_counts=True)
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws) / seeds
    means = np.empty(draws)
    chunk = max(1, 4_000_000 // len(counts))
    for start in range(0, draws, chunk):
        part = slice(start, min(start + chunk, draws))
        drawn = rng.multinomial(n, counts / n, size=part.stop - part.start) / n
        means[part] = ((weights[part] @ patterns) * drawn).sum(axis=1)
    return means
