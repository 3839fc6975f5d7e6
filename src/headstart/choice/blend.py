"""Combinations of raced models: an evidence-weighted average of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.choice.candidates import Candidate
from headstart.choice.racing import AdaptationData, Result, outputs, validate

Array = np.ndarray
LEAST = 0.01
"""Of the largest weight, below which a member is left out."""


@dataclass(frozen=True)
class Blend:
    """A weighted average of models' probabilities or values.

    Parameters
    ----------
    members : fitted models. weights : their shares, which sum to 1.
    """

    members: tuple[Any, ...]
    weights: tuple[float, ...]

    def answer(self, rows: Any, data: AdaptationData, *, is_source: bool = False) -> Array:
        """Return probabilities [b, k], or values [b]."""
        each = zip(self.members, self.weights, strict=True)
        return sum(weight * outputs(model, rows, data, is_source=is_source) for model, weight in each)  # type: ignore[return-value]


def shares(gains: Array, *, temperature: float = 2.0) -> Array:
    """Return weights that sum to 1 and grow with the predicted gains, ``w ~ exp(gain / temperature)``.

    Parameters
    ----------
    gains : points over source-only. temperature : in points.
    """
    raised = np.exp((gains - gains.max()) / temperature)
    return raised / raised.sum()


def kept_shares(gains: Array) -> Array:
    """Return the weights with which `blend` keeps members of these gains, 0 for those that it leaves out."""
    weights = shares(gains)
    weights = np.where(weights >= LEAST * weights.max(), weights, 0.0)
    return weights / weights.sum()


def blend(data: AdaptationData, raced: Sequence[Result], weights: Array, name: str) -> Result:
    """Return the outcome of a weighted average of finished outcomes, scored as any other candidate is.

    Members below a hundredth of the weight are left out.
    """
    keep = weights >= LEAST * weights.max()
    kept = [one for one, k in zip(raced, keep, strict=True) if k]
    share = weights[keep] / weights[keep].sum()
    model = Blend(tuple(one.model for one in kept), tuple(share.tolist()))
    target, held = (
        np.asarray(sum(w * np.asarray(getattr(one, side)) for w, one in zip(share, kept, strict=True)))
        for side in ("target", "held")
    )
    scores = validate(data, target, held)
    return Result(Candidate(name), model, target, held, scores, 0.0, "")
