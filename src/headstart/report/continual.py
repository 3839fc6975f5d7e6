"""What going on from a run gained on the new data, and what it lost on the old."""

from __future__ import annotations

from typing import Any

from headstart.kinds import ERRORS
from headstart.report import format as fmt
from headstart.report import whiskers
from headstart.report.charts import Range, spread
from headstart.report.folder import RunFolder
from headstart.report.sections import colours, title_of

SIDES = ("new", "old")


def continual(folder: RunFolder) -> dict[str, Any] | None:
    """One row per arm, its change on either side drawn on one scale; None where nothing was measured."""
    told = folder.run.get("forgetting")
    if not told:
        return None
    both = told.get("both")
    if not both:
        return {"words": [told["words"]], "rows": []}
    metric, domain = both["metric"], _domain(both["arms"])
    colour = colours(folder.run)
    return {
        "words": [both["words"], told["words"]],
        "metric": fmt.title(metric),
        "error": metric in ERRORS,
        "sides": [_side(side, both, metric) for side in SIDES if both.get(side)],
        "rows": [
            {
                "name": arm,
                "title": title_of(folder.run, arm),
                "kept": arm == (folder.run.get("guard") or {}).get("kept"),
                "cells": [_cell(metric, found.get(side), domain, colour[arm]) for side in SIDES if both.get(side)],
            }
            for arm, found in both["arms"].items()
        ],
        "scale": whiskers.scale(domain, _short),
    }


def _side(side: str, both: dict[str, Any], metric: str) -> dict[str, str]:
    heading = {"new": "New data", "old": "The source's own data"}[side]
    return {
        "heading": heading,
        "source": fmt.score(metric, both[side]["source"]),
        "n": fmt.count(both[side]["n"]),
    }


def _domain(arms: dict[str, Any]) -> Range:
    """Return one range for both sides, no change within it."""
    found = [part for arm in arms.values() for part in (arm.get(side) for side in SIDES) if part]
    return spread([0.0, *(edge for part in found for edge in (part["change"], *part["interval"]))], 0.1)


def _cell(metric: str, part: dict[str, Any] | None, domain: Range, colour: str) -> dict[str, Any] | None:
    if part is None:
        return None
    low, high = part["interval"]
    return {
        "value": fmt.score(metric, part["value"]),
        "change": f"{_short(part['change'])} ({_short(low)} to {_short(high)})",
        "word": "lost" if high < 0 else "gained" if low > 0 else "",
        "chart": whiskers.whisker(part["change"], (low, high), domain, colour, zero=True),
    }


def _short(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")
