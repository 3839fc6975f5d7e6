"""``python -m benchmarks.ranking.first_guess``: what the plan reads of the measured ways, and ``WAYS.md``.

Nothing is measured here: both files follow from the records of `benchmarks.ranking.ways` alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import store
from benchmarks.ranking import ways, zoo
from benchmarks.ranking.judge import over_targets
from benchmarks.ranking.render import table
from headstart.storage import write_json, write_text
from headstart.workflow.planning.first_guess import LEAST_TARGETS, TABLE

PAGE = Path(__file__).with_name("WAYS.md")
BANDS = ((3, 12), (13, 35), (36, 110), (111, 400))
"""Labels per class that a cell speaks for, about the numbers measured: 4 and 8, 20, 60, 200."""
SMALL = 1_000_000
NEAR, AIM = 0.01, 0.7
"""Points below the best way at which a guess is right, and the share of right guesses that is aimed at."""
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


def left_out(records: list[Record]) -> list[tuple[str, float, float]]:
    """Return target, regret of the first guess and of full fine-tuning of every case, in bands of two targets or more.

    The guess for a target is the way that is best on the other targets of its band; regret is against the best of the
    four ways on the same test rows, which is more than a race over them could be sure to find.
    """
    found = []
    for low, high in BANDS:
        part = [r for r in records if low <= r["size"] <= high]
        known = regrets(part)
        for target in known if len(known) > 1 else ():
            way = best({t: p for t, p in known.items() if t != target})
            for r in (r for r in part if r["target"] == target):
                top = max(r["accuracy"].values())
                found.append((target, top - r["accuracy"][way], top - r["accuracy"]["all finetune"]))
    return found


def guesses(records: list[Record]) -> str:
    """Say how often the guess is right, and its gain over full fine-tuning, with intervals over targets."""
    found = left_out(records)
    each: list[dict[str, float]] = [
        {"right": float(guess <= NEAR + 1e-9), "regret": guess, "gain": full - guess} for _, guess, full in found
    ]
    said = over_targets(each, [target for target, _, _ in found])

    def figure(name: str, unit: str) -> str:
        mean_of, low, high = (100 * value for value in said[name])
        return f"{mean_of:.1f}{unit} ({low:.1f} to {high:.1f})"

    return (
        f"**Is the first guess right?** Each target's way chosen on the other targets, {len(found)} cases of "
        f"{len({t for t, _, _ in found})} targets, each target alike, 95% over targets: within 1 point of the best of "
        f"the four ways on the test rows in {figure('right', '%')} of cases (aim 70%: "
        f"{'reached' if said['right'][0] >= AIM else 'missed'}); {figure('regret', ' points')} below it; "
        f"{figure('gain', ' points')} above full fine-tuning from a head drawn anew."
    )


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
        guesses=guesses([r for r in records if r["parameters"] <= SMALL]),
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

{guesses} The best of four on the test rows is
looked at afterwards, so no race could be sure of it; a race itself at equal seconds is not measured here. A cell
that is divided once more by what the source scores (probe or k-NN, above or below the median of the other targets, or
0.6) guesses worse on the target left out: 0.9 (probe) to 2.7 points (k-NN) below the best instead of 0.7.

One larger network (MobileNetV2 of ImageNet at 64 pixels, at most 120 steps), which decides nothing:

{beside}
"""


def main() -> None:
    records = store.read(ways.NAME, zoo.RESULTS)
    write_json(TABLE, made(records))
    write_text(PAGE, page(records))


if __name__ == "__main__":
    main()
