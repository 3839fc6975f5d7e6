"""The kept model's confidence across domains, set right by one number on rows that it had not learned from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headstart.choice.racing import Result
from headstart.functional.calibration import calibration_error, confidences
from headstart.functional.temperature import held_out_steepness, sharpened
from headstart.kinds.base import Link
from headstart.workflow.across.race import Race
from headstart.workflow.calibrate import LEAST

Array = np.ndarray
BELIEF = 0.5
"""How far held-out source rows are believed, on a log scale, where they ask for more confidence: the target's answers
are less often right than theirs. Where they ask for less they are believed wholly."""


class Setting(NamedTuple):
    """By what the logarithms of the probabilities are multiplied, and what that rests on.

    Attributes
    ----------
    steepness : one over the temperature. n : held-out rows. on : "target", "source", or "" where none was set.
    why : one sentence.
    """

    steepness: float = 1.0
    n: int = 0
    on: str = ""
    why: str = ""


def setting_of(race: Race, one: Result, link: Link) -> Setting:
    """Return the temperature of a raced model: by its out-of-fold answers for the target rows whose labels were given
    to learn from, else by its answers for the source rows held out of a second fit.

    Labels that only evaluate are never read here.
    """
    if link == "identity":
        return Setting(why="Values have no confidence.")
    domains, held = race.selection.data.domains, race.selection.data.held
    known = domains.known
    if one.crossed is not None and len(known) >= LEAST:
        found = held_out_steepness(one.crossed, domains.target_labels[known], link)
        return Setting(found, len(known), "target", "Found on target rows out of fold.")
    if one.held is not None and len(held) >= LEAST:
        found = held_out_steepness(np.asarray(one.held), domains.labels[held], link)
        return Setting(found if found < 1 else found**BELIEF, len(held), "source", "Found on held-out source rows.")
    return Setting(why=f"No temperature was set: only {len(held)} labelled rows were held out, and it takes {LEAST}.")


def confidence_record(setting: Setting, values: Array, labels: Array, link: Link) -> dict[str, Any] | None:
    """Return temperature, what it rests on, and the calibration error on the evaluated rows before and after.

    Parameters
    ----------
    values : the model's probabilities of the evaluated rows, as they are handed back.
    """
    if link == "identity":
        return None
    said: dict[str, Any] = {"n": setting.n, "on": setting.on, "why": setting.why}
    if not setting.n:
        return said
    said["temperature"] = 1 / setting.steepness
    if len(labels):
        before = sharpened(values, 1 / setting.steepness, link)
        said["before"], said["after"] = (
            calibration_error(*confidences(found, labels, link)) for found in (before, values)
        )
    return said
