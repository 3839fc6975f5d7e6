"""The plan's first guess of method and depth, from a table that a benchmark wrote; it speaks only of what it covers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from headstart import catalogue
from headstart.errors import check_names
from headstart.schema import Items, Maybe, Number, Record, Row, Table, Text, Whole, read_checked

TABLE = Path(__file__).with_name("first_guess.json")
"""Written by ``python -m benchmarks.ranking.first_guess``; a test holds it to the committed records."""
LEAST_TARGETS = 5
"""Targets below which a cell is an anecdote."""
ROOM = 2.0
"""By what factor a network may be smaller or larger than those measured."""
CELL = Record(
    {
        "labels": Row((Whole(1), Whole(1))),
        "targets": Items(Text()),
        "cases": Whole(1),
        "method": Text(),
        "share": Number(0, 1),
        "regret": Table(Number(0)),
        "left_out": Maybe(Number(0)),
    }
)
FILE = Record(
    {
        "made": Text(),
        "date": Text(),
        "modality": Text(),
        "parameters": Row((Whole(1), Whole(1))),
        "cells": Items(CELL),
    }
)


class Guess(NamedTuple):
    """A method and the share of the stages that learn, with the sentence that says what it rests on."""

    method: str
    share: float
    why: str


@cache
def measured() -> dict[str, Any]:
    """Return the table."""
    found = read_checked(TABLE, FILE)
    check_names([cell["method"] for cell in found["cells"]], catalogue.names(), str(TABLE))
    return found


def first_guess(modality: str, parameters: int, per_class: int) -> Guess | str:
    """Return what did best on measured targets of this kind, or a sentence that says why none speaks.

    Parameters
    ----------
    modality : of the data; "" where the labels are values. parameters : of the network. per_class : training labels.
    """
    found = measured()
    low, high = found["parameters"]
    covered = f"pictures of classes, networks of {low:,} to {high:,} parameters"
    if modality != found["modality"] or not low / ROOM <= parameters <= high * ROOM:
        return f"The field's thresholds decide: the measured table covers {covered}, and this is neither."
    cell = next((one for one in found["cells"] if one["labels"][0] <= per_class <= one["labels"][1]), None)
    n = 0 if cell is None else len(cell["targets"])
    if cell is None or n < LEAST_TARGETS:
        return (
            f"The field's thresholds decide: of {covered} with about {per_class} labels per class {n} targets were "
            f"measured, and {LEAST_TARGETS} are needed to speak."
        )
    lowest, highest = cell["labels"]
    way = min(cell["regret"].values())
    others = sorted(cell["regret"].values())[1]
    return Guess(
        cell["method"],
        cell["share"],
        f"Measured on {n} targets ({covered}, {lowest} to {highest} labels per class, {cell['cases']} cases): this way "
        f"lay {100 * way:.1f} points below the best of four on average, the next one {100 * others:.1f}.",
    )
