"""What a source gave before: the mean gain of earlier transfers, shrunk towards none."""

from __future__ import annotations

from collections.abc import Sequence


def past_gain(gains: Sequence[float]) -> float:
    """Return ``sum_i g_i / (n + 1)`` over the n targets that a source was used for before, 0 where there were none.

    It is the posterior mean of a source's gain where each g_i is seen with as much noise as sources differ, about a
    mean of 0: one lucky transfer counts half.

    Parameters
    ----------
    gains : measured gains over training without the source, all in one unit.

    References
    ----------
    Efron and Morris, "Stein's Paradox in Statistics", Scientific American 1977 (shrinkage).

    Examples
    --------
    >>> past_gain([]), past_gain([0.2]), round(past_gain([0.1, 0.1, 0.1]), 3)
    (0.0, 0.1, 0.075)
    """
    return sum(gains) / (len(gains) + 1)
