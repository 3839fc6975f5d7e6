"""The calibration of the guard: ``python -m benchmarks.domains.render_calibration`` reads ``calibration.jsonl``.

Prints the tables of docs/choosing.md and draws ``docs/images/choice-calibration.svg``: with which chance a gain was
predicted, and how often it came, each pair by coefficients and a chance learned without its benchmark.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.render import table
from headstart.choice.chance import CONFIDENCE

HERE = Path(__file__).resolve().parent
CALIBRATION = HERE / "calibration.jsonl"
PICTURE = HERE.parents[1] / "docs/images/choice-calibration.svg"
EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
Lines = list[dict[str, Any]]


def lines(kind: str, reported: bool | None = None) -> Lines:
    """Return the calibration's lines of one kind of task; of reported pairs, of development pairs, or of both."""
    found = [json.loads(line) for line in CALIBRATION.read_text(encoding="utf-8").splitlines()]
    return [one for one in found if one["kind"] == kind and reported in (None, one["reported"])]


def binned(found: Lines) -> list[tuple[float, float, Lines]]:
    """Return the lines by chance."""
    bins = []
    for low, high in itertools.pairwise(EDGES):
        mine = [one for one in found if low <= one["chance"] < high or one["chance"] == high == 1.0]
        if mine:
            bins.append((low, high, mine))
    return bins


def bins_table(found: Lines) -> str:
    """Return what was predicted against what happened."""
    rows = []
    for low, high, mine in binned(found):
        gained = np.array([one["gained"] for one in mine])
        chance = np.mean([one["chance"] for one in mine])
        predicted = np.mean([one["predicted"] for one in mine])
        often = [f"{100 * chance:.0f}", f"{100 * (gained > 0).mean():.0f}", f"{100 * (gained < -0.5).mean():.0f}"]
        sizes = [f"{predicted:+.1f}", f"{gained.mean():+.1f}", f"{gained.min():+.1f}"]
        rows.append([f"{100 * low:.0f} to {100 * high:.0f}", str(len(mine)), *often, *sizes])
    head = ["chance, %", "pairs", "predicted above 0, %", "were above 0, %", "below -0.5, %"]
    return table([*head, "mean predicted gain", "mean gain", "worst"], rows)


def risk_table(found: Lines) -> str:
    """Return what other confidences would have handed back."""
    rows = []
    for confidence in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        got = np.array([one["gained"] if one["chance"] >= confidence else 0.0 for one in found])
        handed = np.mean([one["chance"] >= confidence for one in found])
        mark = "**" if confidence == CONFIDENCE else ""
        said = [f"{100 * handed:.0f}%", f"{got.mean():+.2f}", f"{100 * (got < -0.5).mean():.1f}%", f"{got.min():+.1f}"]
        rows.append([f"{mark}{100 * confidence:.0f}%{mark}", *said])
    return table(["confidence asked for", "adapted", "mean gain", "harmed by > 0.5", "worst"], rows)


def draw() -> None:
    """Draw the curve of classification, with 95% intervals of the observed shares (Wilson)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from scipy.stats import binomtest

    pyplot.rcParams["svg.hashsalt"] = "headstart"
    figure, axes = pyplot.subplots(figsize=(5.2, 4.2))
    axes.plot([0.3, 1], [0.3, 1], color="0.7", linewidth=1, label="as predicted")
    for reported, name, colour in ((False, "development pairs", "#1f6f8b"), (True, "reported pairs", "#c8553d")):
        bins = binned(lines("classification", reported))
        chance = np.array([np.mean([one["chance"] for one in mine]) for _, _, mine in bins])
        tests = [binomtest(sum(one["gained"] > 0 for one in mine), len(mine)) for _, _, mine in bins]
        share = np.array([test.statistic for test in tests])
        spans = np.array([test.proportion_ci(0.95, "wilson") for test in tests]).T
        axes.errorbar(chance, share, np.abs(spans - share), fmt="o-", capsize=3, color=colour, label=name)
    axes.axvline(CONFIDENCE, color="0.3", linestyle=":", label="handed back from here")
    axes.set(
        xlabel="predicted chance that the gain is above 0", ylabel="share whose gain was above 0", ylim=(-0.03, 1.03)
    )
    axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> None:
    for kind in ("classification", "regression"):
        for reported, name in ((False, "development"), (True, "reported")):
            if lines(kind, reported):
                print(f"\n{kind}, {name} pairs\n")
                print(bins_table(lines(kind, reported)))
                print(risk_table(lines(kind, reported)))
    draw()


if __name__ == "__main__":
    main()
