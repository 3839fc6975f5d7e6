"""``python -m benchmarks.ranking.first_guess``: what the plan reads of the measured ways, and ``WAYS.md``.

Nothing is measured here: both files follow from the records of `benchmarks.ranking.ways` alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import store
from benchmarks.ranking import ways, zoo
from benchmarks.ranking.render import table
from headstart.storage import write_json, write_text
from headstart.workflow.planning.first_guess import LEAST_TARGETS, TABLE

PAGE = Path(__file__).with_name("WAYS.md")
BANDS = ((3, 12), (13, 35), (36, 110), (111, 400))
"""Labels per class that a cell speaks for, about the numbers measured: 4 and 8, 20, 60, 200."""
SMALL = 1_000_000
NAMES = {way.name: {"method": way.method, "share": round(way.share, 3)} for way in ways.WAYS}
Record = dict[str, Any]


def regrets(records: list[Record]) -> dict[str, dict[str, float]]:
    """Return, by target and way, how far the way lies below the best of the ways, on average over its cases."""
    by: dict[str, list[Record]] = {}
    for record in records:
        by.setdefault(record["target"], []).append(record)
    return {
        target: {way: float(np.mean([max(r["accuracy"].values()) - r["accuracy"][way] for r in part])) for way in NAMES}
        for target, part in by.items()
    }


def mean(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return each way's mean regret over targets, every target counted alike."""
    return {way: float(np.mean([part[way] for part in found.values()])) for way in NAMES}


def best(found: dict[str, dict[str, float]]) -> str:
    means = mean(found)
    return min(NAMES, key=lambda way: (round(means[way], 6), list(NAMES).index(way)))


def elsewhere(found: dict[str, dict[str, float]]) -> float | None:
    """Return the mean regret of choosing for each target the way that is best on the others."""
    if len(found) < 2:
        return None
    picks = [part[best({t: p for t, p in found.items() if t != target})] for target, part in found.items()]
    return float(np.mean(picks))


def cell(band: tuple[int, int], records: list[Record]) -> Record:
    found = regrets(records)
    left_out = elsewhere(found)
    return {
        "labels": list(band),
        "targets": sorted(found),
        "cases": len(records),
        **NAMES[best(found)],
        "regret": {way: round(value, 4) for way, value in mean(found).items()},
        "left_out": None if left_out is None else round(left_out, 4),
    }


def made(records: list[Record]) -> Record:
    """Return the table that the plan reads."""
    small = [r for r in records if r["parameters"] <= SMALL]
    bands = {band: [r for r in small if band[0] <= r["size"] <= band[1]] for band in BANDS}
    return {
        "made": "python -m benchmarks.ranking.first_guess",
        "date": max(r["date"] for r in records),
        "modality": "image",
        "parameters": [min(r["parameters"] for r in small), max(r["parameters"] for r in small)],
        "cells": [cell(band, part) for band, part in bands.items() if part],
    }


def rows(found: Record) -> list[list[str]]:
    def points(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.1f}"

    out = []
    for one in found["cells"]:
        name = next(way for way, what in NAMES.items() if what == {k: one[k] for k in ("method", "share")})
        speaks = len(one["targets"]) >= LEAST_TARGETS
        out.append([
            f"{one['labels'][0]} to {one['labels'][1]}", str(len(one["targets"])), str(one["cases"]),
            *(points(one["regret"][way]) for way in NAMES), points(one["left_out"]), name if speaks else "no, too few",
        ])  # fmt: skip
    return out


def page(records: list[Record]) -> str:
    found, header = made(records), records[-1]
    large = [r for r in records if r["parameters"] > SMALL]
    head = ["labels per class", "targets", "cases", *NAMES, "chosen on the others", "the plan takes"]
    kinds = ", ".join(sorted({r["target"] for r in records}))
    beside = "None was measured yet." if not large else table(
        ["target", "labels per class", *NAMES],
        [[r["target"], str(r["size"]), *(f"{100 * r['accuracy'][way]:.1f}" for way in NAMES)] for r in large],
    )  # fmt: skip
    return TEXT.format(
        date=header["date"], machine=header["machine"], n=len(records), kinds=kinds, least=LEAST_TARGETS,
        table=table(head, rows(found)), beside=beside,
        low=found["parameters"][0], high=found["parameters"][1],
    )  # fmt: skip


TEXT = """# Which way, by how many labels

`python -m benchmarks.ranking.ways`, then `python -m benchmarks.ranking.first_guess`; measured up to {date} on
{machine}, one thread, beside other work, one draw of labels. {n} cases of a source, a target and a number of labels per
class; targets: {kinds}.

Small picture networks ({low:,} to {high:,} parameters, grey pictures of 32 x 32) that learned other sets, carried over
in four ways: the linear probe alone; from the probe the last third of the stages (LP-FT) or all of them; all stages
from a head drawn anew. At most 10 rounds, at least 100 steps and at most 400, of 16 samples. The truth is the accuracy
on up to 500 other rows, one seed. Figures: points below the best of the four ways, mean over targets, each alike.

{table}

The plan takes the way of least regret where a cell has {least} targets or more; elsewhere, and for every other kind of
data or network, the field's thresholds stand, and the plan says so. *Chosen on the others*: the regret where each
target's way is the best on the other targets. Every number here is on the targets that the choice was made on, but that
column.

One larger network (MobileNetV2 of ImageNet at 64 pixels, at most 120 steps), which decides nothing:

{beside}
"""


def main() -> None:
    records = store.read(ways.NAME, zoo.RESULTS)
    write_json(TABLE, made(records))
    write_text(PAGE, page(records))


if __name__ == "__main__":
    main()
