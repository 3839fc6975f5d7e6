"""How well classes to come are learned from a few samples, or told without one."""

from __future__ import annotations

from typing import Any

from headstart.report import format as fmt
from headstart.report.folder import RunFolder
from headstart.report.sections import title_of


def few_shot(folder: RunFolder) -> dict[str, Any] | None:
    """One row per arm and one column per setting of episodes; None where a run learned from none."""
    found = folder.run.get("few_shot")
    if not found:
        return None
    kept = (folder.run.get("guard") or {}).get("kept")
    table = found["accuracies"]
    settings = [(one["ways"], one["shots"]) for one in max(table.values(), key=len)]
    return {
        "settings": [f"{ways} classes, {shots} sample{'s' if shots > 1 else ''}" for ways, shots in settings],
        "episodes": fmt.count(next(iter(table.values()))[0]["episodes"]),
        "rows": [
            {
                "title": title_of(folder.run, arm),
                "name": arm,
                "kept": arm == kept,
                "cells": [_cell(cells, setting) for setting in settings],
            }
            for arm, cells in table.items()
        ],
    }


def _cell(cells: list[dict[str, Any]], setting: tuple[int, int]) -> dict[str, str] | None:
    for one in cells:
        if (one["ways"], one["shots"]) == setting:
            low, high = one["interval"]
            return {"value": fmt.percent(one["accuracy"]), "span": f"{fmt.percent(low)} to {fmt.percent(high)}"}
    return None


def zero_shot(folder: RunFolder) -> dict[str, Any] | None:
    """One row per arm: accuracy per class on both sides, their harmonic mean, with and without calibration."""
    found = folder.run.get("zero_shot")
    if not found:
        return None
    kept = (folder.run.get("guard") or {}).get("kept")
    first = next(iter(found["accuracies"].values()))
    return {
        "n": {side: fmt.count(n) for side, n in first["n"].items()},
        "chance": fmt.percent(first["chance_alone"]),
        "measured": ", ".join(found["measured"][:8]) + (" ..." if len(found["measured"]) > 8 else ""),
        "rows": [
            {
                "title": title_of(folder.run, arm),
                "name": arm,
                "kept": arm == kept,
                "values": [fmt.percent(one[name]) for name in ("seen", "unseen", "harmonic")],
                "without": fmt.percent(one["uncalibrated"]["harmonic"]) if one.get("uncalibrated") else "–",
                "alone": fmt.percent(one["unseen_alone"]),
            }
            for arm, one in found["accuracies"].items()
        ],
    }
