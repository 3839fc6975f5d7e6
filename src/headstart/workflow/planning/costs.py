"""What a fit costs here: seconds per sample, measured; steps and totals, predicted from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

REPORT_SECONDS = 5.0
"""Layout of the map, pictures and pages, whatever the network."""
EXPLAINED_PASSES = 150
"""Forward passes that the report's saliency and map of features take."""
INNER, FEWEST, MOST = 5, 50, 20
"""Of the rows that a fold trains on, one in ``INNER`` says when to stop. Where there is a validation split, a fifth of
the training rows down to ``FEWEST`` of them do, and at least one in ``MOST``."""


LEAST_WATCHED = 3
"""Rows below which nothing is said about when to stop."""


def watched_share(n_train: int, folds: int) -> int:
    """Return of how many rows that an arm trains on one says when to stop.

    Examples
    --------
    >>> watched_share(150, 3), watched_share(300, 0), watched_share(600, 0), watched_share(50_000, 0)
    (5, 6, 12, 20)
    """
    return INNER if folds else min(MOST, max(INNER, n_train // FEWEST))


def watched_rows(n_train: int) -> int:
    """Return about how many training rows say when to stop where there is a validation split; 0: too few."""
    found = n_train // watched_share(n_train, 0)
    return found if found >= LEAST_WATCHED else 0


@dataclass(frozen=True)
class Speed:
    """Seconds per sample of a network, measured on this machine.

    Attributes
    ----------
    decode : reading and preprocessing. forward : a pass through the network, preprocessing left out.
    stages : of the forward pass, by stage; () where it was not measured.
    ratio : a training step of the whole network over its forward pass, the head's included.
    head : of a forward pass through a head that reads maps, which no share of the stages is; 0 for a head that costs
        nothing beside them.
    """

    decode: float
    forward: float
    stages: tuple[float, ...] = ()
    ratio: float = 3.0
    head: float = 0.0

    @property
    def encode(self) -> float:
        """Seconds to make one sample's features."""
        return self.decode + self.forward

    def above(self, depth: int, n_stages: int) -> float:
        """Seconds of a forward pass through the last ``depth`` stages and the head."""
        total = sum(self.stages)
        share = sum(self.stages[-depth:]) / total if total and depth else depth / n_stages
        return self.forward * max(share, 0.01) + self.head

    def answer(self, depth: int, n_stages: int) -> float:
        """Seconds of an answer when the last ``depth`` stages learned, from states of the others that are kept."""
        return self.above(depth, n_stages) if depth < n_stages else self.encode + self.head

    def step(self, depth: int, n_stages: int) -> float:
        """Seconds of a training step when the last ``depth`` stages learn, from states of the others that are kept."""
        decode = self.decode if depth >= n_stages else 0.0
        return decode + self.ratio * self.above(depth, n_stages)


@dataclass(frozen=True)
class Sizes:
    """How many samples there are to train on, validate on and test on, and what learns on them.

    Attributes
    ----------
    folds : 0 where there is a validation split. again : whether folds are fitted again on all their rows.
    seeds, views : repetitions, and views per sample.
    inner : training rows that say when to stop where there is a validation split; 0 where its own rows do.
    """

    n_train: int
    n_validation: int
    n_test: int
    folds: int
    again: bool
    seeds: int
    views: int
    inner: int = 0


def visits(folds: int, *, again: bool) -> float:
    """Return how often a row is trained on per epoch of an arm: once, or in the fits of all folds and the last one.

    A fold trains on its own part without the inner rows, and ``again`` on all of it.
    """
    return 1.0 + again if folds == 0 else (folds - 1) * (1 - 1 / INNER + again) + 1


def round_seconds(speed: Speed, sizes: Sizes, depth: int, n_stages: int) -> float:
    """Return the seconds of one epoch of an arm with one seed, evaluations included."""
    training = sizes.n_train * visits(sizes.folds, again=sizes.again) * speed.step(depth, n_stages)
    watched = (sizes.inner or sizes.n_validation) if sizes.folds == 0 else sizes.n_train * (sizes.folds - 1) / INNER
    return training + watched * speed.answer(depth, n_stages)


def score_seconds(speed: Speed, sizes: Sizes, depth: int, n_stages: int) -> float:
    """Return the seconds of predicting the rows that score an arm: those of validation, or every row out of fold."""
    scored = sizes.n_train if sizes.folds else sizes.n_validation
    return scored * sizes.seeds * speed.answer(depth, n_stages)


def overhead(speed: Speed, sizes: Sizes, *, encodes: bool, trained: int, network_is_large: bool) -> dict[str, float]:
    """Return the seconds of what is no training: ``features``, ``test``, ``report``.

    Parameters
    ----------
    encodes : whether an arm reads features of the source. trained : how many arms are trained in the loop.
    """
    rows = sizes.n_train * sizes.views + sizes.n_validation + sizes.n_test
    mapped = min(sizes.n_test, 250 if network_is_large else 400)
    return {
        "features": rows * speed.encode if encodes else 0.0,
        "test": sizes.n_test * (speed.encode + speed.head) * trained * sizes.seeds,
        "report": REPORT_SECONDS + (mapped + EXPLAINED_PASSES) * speed.encode,
    }


def in_words(seconds: float) -> str:
    """Return a duration for a person, rounded so that it promises no more than it can.

    Examples
    --------
    >>> in_words(4.2), in_words(47), in_words(200), in_words(4000)
    ('5 s', '50 s', '3 min 20 s', '1 h 7 min')
    """
    if seconds < 10:
        return f"{max(1, math.ceil(seconds))} s"
    whole = math.ceil(seconds / 10) * 10
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes + (rest > 0)} min"
    return f"{minutes} min {rest} s" if minutes and rest else f"{minutes} min" if minutes else f"{rest} s"
