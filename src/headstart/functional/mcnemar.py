"""Exact tests of paired scores."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

Array = np.ndarray


def mcnemar(first: Array, second: Array) -> float:
    """Return the exact two-sided p of "neither is better" for scores [seeds, n] or [n] of the same samples.

    For right or wrong answers this is McNemar's exact test: among the b + c samples where the two differ, b won
    by the first, ``p = P(|B - (b+c)/2| >= |b - (b+c)/2|)`` with B binomial(b + c, 1/2). For other scores it is
    the sign test of the differences. Several seeds share the test samples, so their p are dependent; they combine
    as ``min(1, 2 mean p)``, which holds under any dependence.

    References
    ----------
    McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 1947;
    Vovk and Wang, "Combining p-values via averaging", Biometrika 2020.
    """
    rows = np.atleast_2d(np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64))
    return combine([_exact(row) for row in rows])


def combine(ps: list[float]) -> float:
    """Return ``min(1, 2 mean p)`` of dependent p-values; a single one stays as it is."""
    return float(ps[0]) if len(ps) == 1 else float(min(1.0, 2 * np.mean(ps)))


def _exact(difference: Array) -> float:
    won, lost = int((difference > 0).sum()), int((difference < 0).sum())
    return 1.0 if won + lost == 0 else float(binomtest(won, won + lost, 0.5).pvalue)
