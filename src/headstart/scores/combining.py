"""One order from several scores, and how sure it is: mean ranks on resamples of the samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from headstart.scores.basis import Array, Terms

RESAMPLES = 1000


class Combined(NamedTuple):
    """The order of several candidates.

    ``ranks`` [c] are mean ranks over the scores, 1 the best; ``order`` [c] the candidates, best first; ``before``
    [c, c] the share of resamples in which the candidate of the row has the better mean rank than that of the column,
    ties counting half; ``places`` [c, 2] the 2.5% and 97.5% quantiles of a candidate's place.
    """

    ranks: Array
    order: Array
    before: Array
    places: Array


def combine(terms: Sequence[Sequence[Terms]], *, resamples: int = RESAMPLES, seed: int = 0) -> Combined:
    """Rank candidates by the mean of their ranks in several scores, and resample the samples to see how sure that is.

    Every score is a mean over samples (`headstart.scores.Terms`), so that a resample of the samples, the same for all
    candidates and scores, is a weighted mean: of held-out hits for k-NN and the probe, to first order for LogME. What
    was chosen on the samples (number of neighbours, strengths, stages) stays as chosen.

    Parameters
    ----------
    terms : [c][s], each of n samples.

    References
    ----------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 6.
    """
    every = np.array([[one.per_sample for one in row] for row in terms])
    n = every.shape[2]
    ranks = mean_ranks(every.mean(axis=2))
    rng = np.random.default_rng(seed)
    found = np.empty((resamples, len(every)))
    for start in range(0, resamples, 100):
        counts = rng.multinomial(n, np.full(n, 1 / n), size=min(100, resamples - start)) / n
        found[start : start + len(counts)] = mean_ranks(np.einsum("csn,rn->rcs", every, counts, optimize=True))
    before = (found[:, :, None] < found[:, None]).mean(axis=0) + (found[:, :, None] == found[:, None]).mean(axis=0) / 2
    places = np.quantile(rankdata(found, axis=1), [0.025, 0.975], axis=0).T
    # Equal mean ranks are put in the order of the first score.
    return Combined(ranks, np.lexsort((-every[:, 0].mean(axis=1), ranks)), before, places)


def mean_ranks(values: Array) -> Array:
    """Return the mean over scores of the ranks [..., c] of values [..., c, s], 1 for the largest; ties share theirs.

    Values that agree to twelve digits are equal.

    Examples
    --------
    >>> mean_ranks(np.array([[0.9, 3.0], [0.9, 5.0], [0.1, 1.0]])).tolist()
    [1.75, 1.25, 3.0]
    """
    near = np.round(values, 12)
    mine, others = near[..., :, None, :], near[..., None, :, :]
    # A candidate ties with itself, which makes the half that is missing to a whole place.
    return (0.5 + (others > mine).sum(axis=-2) + 0.5 * (others == mine).sum(axis=-2)).mean(axis=-1)
