"""What is known of a candidate before its evidence: gains that no coefficient of the evidence could learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from headstart.choice.blend import kept_shares
from headstart.choice.candidates import OF_WORDS
from headstart.choice.racing import AdaptationData, Result

Array = np.ndarray
GAIN_ON_WORDS = 6.0
"""Points that the evidence misses of `OF_WORDS` on bags of words (docs/decisions/0044-words.md).

The mean by which it gained more than was predicted on eight development pairs of words, beside four imagined ones of
nothing. The evidence knows how far to believe each method that races on dense rows; this one does not race there.
"""


def known_gains(data: AdaptationData, finished: Sequence[Result]) -> Array:
    """Return points [n] to add to what the evidence predicts of each outcome."""
    words = not data.regression and sparse.issparse(data.domains.source)
    return np.array([GAIN_ON_WORDS * (words and one.candidate.method == OF_WORDS.method) for one in finished])


def known_gain_of_blend(gains: Array, known: Array) -> float:
    """Return the share of `known_gains` in a blend of outcomes by their gains."""
    return float(kept_shares(gains) @ known)
