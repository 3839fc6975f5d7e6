"""Intervals of mean scores and of paired differences, by score or bootstrap, and the exact test of pairs."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binomtest, norm, t

from headstart.functional.bootstrap import mean_interval

Array = np.ndarray
FEW = 10
"""Fewer samples than these that differ from the rest make the bootstrap's interval too short."""


class Interval(NamedTuple):
    """Bounds of a 95% interval and how they were found: "wilson", "tango", "student" or "bootstrap"."""

    low: float
    high: float
    kind: str

    @property
    def bounds(self) -> tuple[float, float]:
        return self.low, self.high


def wilson(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a share of n samples.

    Examples
    --------
    >>> tuple(round(bound, 3) for bound in wilson(48 / 49, 49))
    (0.893, 0.996)

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
    """
    z = float(norm.ppf((1 + level) / 2))
    middle, denominator = share + z * z / (2 * n), 1 + z * z / n
    half = z * math.sqrt(max(share * (1 - share), 0.0) / n + z * z / (4 * n * n))
    # The share itself lies within, whatever the last digit of the bounds.
    return min(share, max(0.0, (middle - half) / denominator)), max(share, min(1.0, (middle + half) / denominator))


def tango(won: float, lost: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the score interval of the difference of two paired shares, with a correction for continuity.

    Of n samples the first answered ``won`` rightly that the second got wrong, and ``lost`` the other way round. The
    interval holds the differences D with ``(|won - lost - n D| - 1)^2 <= z^2 n (2 q + D (1 - D))``, where q is the
    most likely share of lost ones given D. With the correction it leaves out 0
    where the exact McNemar p is below 0.05 (it may hold 0 still where p is just below).

    Parameters
    ----------
    won, lost : counts; fractions are means over seeds.

    Examples
    --------
    >>> tuple(round(bound, 3) for bound in tango(6, 0, 49))
    (0.006, 0.267)

    References
    ----------
    Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample design",
    Statistics in Medicine 1998.
    """
    z, found = float(norm.ppf((1 + level) / 2)), (won - lost) / n

    def outside(difference: float, sign: int) -> float:
        half = (2 * n - won + lost) * difference - won - lost
        least = (math.sqrt(half**2 + 8 * n * lost * difference * (1 - difference)) - half) / (4 * n)
        variance = n * max(2 * least + difference * (1 - difference), 0.0)
        return sign * (won - lost - n * difference) - 1 - z * math.sqrt(variance)

    # The bound lies between the difference found, which is inside, and -1 or 1.
    low = brentq(outside, -1.0, found, args=(1,)) if outside(-1.0, 1) > 0 else -1.0
    high = brentq(outside, found, 1.0, args=(-1,)) if outside(1.0, -1) > 0 else 1.0
    return float(low), float(high)  # type: ignore[arg-type]


def interval_of_mean(scores: Array, *, share: bool, seed: int = 0) -> Interval:
    """Return the 95% interval of the mean of scores [seeds, n].

    Right-or-wrong scores of one seed get Wilson's interval, everything else the bootstrap over seeds and samples. Where
    fewer than `FEW` samples differ from the rest, the bootstrap sees too little of what may vary, and a share's
    interval is widened: to Wilson's, or to Student's where scores are no right or wrong and most of them differ (the
    overlap of a few pictures).

    Parameters
    ----------
    share : whether every score lies in [0, 1].
    """
    rows = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if not share:
        return Interval(*mean_interval(rows, seed=seed), "bootstrap")
    score = wilson(float(rows.mean()), rows.shape[1])
    if len(rows) == 1 and _binary(rows):
        return Interval(*score, "wilson")
    return _widened(rows, mean_interval(rows, seed=seed), Interval(*score, "wilson"), least=0.0)


def interval_of_gain(first: Array, second: Array, *, share: bool, seed: int = 0) -> Interval:
    """Return the 95% interval of ``mean(first - second)`` for scores [seeds, n] of the same samples.

    As `interval_of_mean`, with Tango's interval in the place of Wilson's.
    """
    gaps = np.atleast_2d(np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64))
    if not share:
        return Interval(*mean_interval(gaps, seed=seed), "bootstrap")
    won, lost = (float(np.maximum(sign * gaps, 0).mean(axis=0).sum()) for sign in (1, -1))
    score = tango(won, lost, gaps.shape[1])
    if len(gaps) == 1 and _binary(np.abs(gaps)):
        return Interval(*score, "tango")
    return _widened(gaps, mean_interval(gaps, seed=seed), Interval(*score, "tango"), least=-1.0)


def _binary(rows: Array) -> bool:
    return bool(np.isin(rows, (0.0, 1.0)).all())


def _differing(rows: Array) -> int:
    """Return how many samples score otherwise than most."""
    return rows.shape[1] - int(np.unique(rows, axis=1, return_counts=True)[1].max())


def _widened(rows: Array, found: tuple[float, float], score: Interval, *, least: float) -> Interval:
    """Return the bootstrap's interval, widened where few samples differ; ``least`` is the lowest mean there can be."""
    differing, n = _differing(rows), rows.shape[1]
    if differing >= FEW:
        return Interval(*found, "bootstrap")
    if 2 * differing > n and not _binary(np.abs(rows)):
        score = _student(rows.mean(axis=0), least)
    return Interval(min(found[0], score.low), max(found[1], score.high), score.kind)


def _student(values: Array, least: float) -> Interval:
    """Return Student's interval of the mean of values [n], within what a mean of shares can be."""
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
    return Interval(max(least, float(values.mean()) - half), min(1.0, float(values.mean()) + half), "student")


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
    return 1.0 if won == lost else float(binomtest(won, won + lost, 0.5).pvalue)
