"""The kept model's confidence, set right by one number on rows that it had not learned from."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.functional.calibration import calibration_error, confidences
from headstart.functional.temperature import Temperature, sharpened
from headstart.kinds.base import Link


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
