"""What one model answers and what others answer, mixed by a share that rows tell which none of them has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from headstart.functional.folds import Array
from headstart.functional.temperature import held_out_steepness
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.labels import link_of

SHARES = np.arange(11) / 10
BELIEF, ROWS = 8.0, 20
"""How firmly the first guess is held (in nats for a share that is off by one), and the rows at which it is a quarter:
a few rows tell hardly anything of the share, and the fewer they are, the less is others' learning worth."""


class Mix(NamedTuple):
    """``(1 - share) t_0 f_0(x) + share mean_m t_m f_m(x)``: logits, or values with every t = 1.

    Attributes
    ----------
    share : of the others, 0 to 1; at 0 the first model's outputs stay as they are.
    steepness : one over each model's temperature, the first model's first.
    """

    share: float
    steepness: tuple[float, ...]

    def __call__(self, first: Array, others: Sequence[Array]) -> Array:
        """Return the mixture [n, k] of raw outputs [n, k]."""
        if not self.share:
            return first
        return (1 - self.share) * self.steepness[0] * first + self.share * self.of_others(others)

    def of_others(self, others: Sequence[Array]) -> Array:
        """Return what the others answer together, [n, k]."""
        return np.mean([t * outputs for t, outputs in zip(self.steepness[1:], others, strict=True)], axis=0)


def mix(first: Array, others: Sequence[Array], target: Array, kind: str) -> Mix:
    """Return the mixture of the least loss of rows that no model has seen, held by a first guess.

    ``min_w  sum_i loss_i(w) + BELIEF (w - g)^2`` with the first guess ``g = n / (n + ROWS) / 2`` and the log loss of
    classes, or for values the Gaussian one, ``n / 2 log mean_i loss_i(w)``. What is mixed are logits (a geometric mean
    of probabilities), each model's over a temperature of its own, or values.

    Parameters
    ----------
    first, others : raw outputs [n, k] out of fold. target : class numbers [n], or values [n, k].

    Examples
    --------
    >>> target = np.arange(40) % 2
    >>> knows, noise = 3.0 * np.eye(2)[target], np.random.default_rng(0).normal(size=(40, 2))
    >>> mix(noise, [knows], target, "classification").share  # 40 rows
    0.7
    >>> mix(knows, [noise], target, "classification").share
    0.2
    """
    classes, n = link_of(kind) == "softmax", len(target)
    steepness = [
        held_out_steepness(softmax(one, axis=1), target, "softmax") if classes else 1.0 for one in (first, *others)
    ]
    tried = Mix(1.0, tuple(steepness))
    sides = steepness[0] * first, tried.of_others(others)
    losses = np.stack([per_sample((1 - w) * sides[0] + w * sides[1], target, kind)[1] for w in SHARES])
    told = losses.sum(axis=1) if classes else n / 2 * np.log(np.maximum(losses.mean(axis=1), 1e-300))
    return tried._replace(share=float(SHARES[np.argmin(told + BELIEF * (SHARES - n / (n + ROWS) / 2) ** 2)]))
