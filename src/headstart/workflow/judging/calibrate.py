"""The kept model's confidence, set right by one number on rows that it had not learned from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headstart.functional.calibration import calibration_error, confidences
from headstart.functional.temperature import sharpened
from headstart.kinds.base import Link

LEAST = 20
"""Held-out rows below which a confidence is left as it is."""


class Temperature(NamedTuple):
    """By what outputs, or the logarithms of probabilities, are multiplied, and what that rests on.

    Attributes
    ----------
    steepness : one over the temperature. n : held-out rows; 0 where none was set.
    on : "target" or "source" rows, and why, in one sentence: said where they may be either.
    """

    steepness: float = 1.0
    n: int = 0
    on: str = ""
    why: str = ""


def calibration_record(found: Temperature, values: np.ndarray, labels: np.ndarray, link: Link) -> dict[str, Any] | None:
    """Return temperature, what it rests on, and the calibration error on the judging rows before and after.

    Parameters
    ----------
    values : probabilities of the rows that judge, as they are handed back.
    """
    if link == "identity":
        return None
    said: dict[str, Any] = {"n": found.n, "on": found.on, "why": found.why} if found.why else {}
    if not found.n:
        return said or None
    said |= {"temperature": 1 / found.steepness, "n": found.n}
    if len(labels):
        before = sharpened(values, 1 / found.steepness, link)
        errors = [calibration_error(*confidences(one, labels, link)) for one in (before, values)]
        said |= {"before": errors[0], "after": errors[1]}
    return said
