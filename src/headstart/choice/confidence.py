"""The temperature of a raced model, from rows of the target where labels may be learned from, else of the source."""

from __future__ import annotations

import numpy as np

from headstart.choice.racing import AdaptationData, Result
from headstart.functional.temperature import LEAST, Temperature, held_out_steepness
from headstart.kinds.base import Link

BELIEF = 0.5
"""How far held-out source rows are believed, on a log scale, where they ask for more confidence: the target's answers
are less often right than theirs. Where they ask for less they are believed wholly."""


def confidence_of(data: AdaptationData, one: Result, link: Link) -> Temperature:
    """Return the temperature of a raced model: by its out-of-fold answers for the target rows whose labels were given
    to learn from, else by its answers for the source rows held out of a second fit.

    Labels that only evaluate are never read here.
    """
    if link == "identity":
        return Temperature(why="Values have no confidence.")
    domains, held = data.domains, data.held
    known = domains.known
    if one.crossed is not None and len(known) >= LEAST:
        found = held_out_steepness(one.crossed, domains.target_labels[known], link)
        return Temperature(found, len(known), "target", "Found on target rows out of fold.")
    if one.held is not None and len(held) >= LEAST:
        found = held_out_steepness(np.asarray(one.held), domains.labels[held], link)
        return Temperature(found if found < 1 else found**BELIEF, len(held), "source", "Found on held-out source rows.")
    return Temperature(
        why=f"No temperature was set: only {len(held)} labelled rows were held out, and it takes {LEAST}."
    )
