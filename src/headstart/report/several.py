"""The page of a run of several tasks: each task's gain, the worst first."""

from __future__ import annotations

from typing import Any

from headstart.report import format as fmt
from headstart.report import whiskers
from headstart.report.folder import RunFolder

WORDS = {"positive": "better together", "none": "no measurable difference", "negative": "worse together"}


def context(folder: RunFolder) -> dict[str, Any]:
    """Return what the template shows."""
    found = folder.run["multitask"]
    tasks = sorted(found["tasks"].items(), key=lambda one: one[1]["relative"])
    return {
        "run": folder.run,
        "delta": f"{100 * found['delta_m']:+.1f}%",
        "best": found["best"],
        "lines": found["lines"],
        "affinity": _affinity(found.get("affinity")),
        "tasks": [_task(name, one) for name, one in tasks],
        "arms": [
            {
                "title": arm.get("title") or name,
                "seconds": fmt.duration(arm.get("seconds")),
                "parameters": fmt.amount(arm.get("parameters")),
                "epochs": fmt.count(arm.get("epochs")),
                "papers": arm.get("papers") or [],
            }
            for name, arm in (folder.run.get("arms") or {}).items()
            if arm
        ],
        "guard": (folder.run.get("guard") or {}).get("reason", ""),
        "reasons": (folder.plan or {}).get("reasons") or [],
        "warnings": folder.run.get("warnings") or [],
    }


def _affinity(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a row per task that steps: what every task's loss falls by, in per cent, with its standard error."""
    if found is None:
        return None
    rows = [
        {"name": name, "cells": [f"{100 * value:+.2f} ± {100 * error:.2f}" for value, error in zip(*pair, strict=True)]}
        for name, *pair in zip(found["tasks"], found["mean"], found["error"], strict=True)
    ]
    return {"tasks": found["tasks"], "rows": rows, "n": fmt.count(found["n"])}


def _task(name: str, one: dict[str, Any]) -> dict[str, Any]:
    metric, shared = one["metric"], one["shared"]
    low, high = shared["interval"]
    room = 1.2 * max(abs(low), abs(high), abs(shared["gain"]), 1e-9)
    return {
        "name": name,
        "metric": fmt.title(metric),
        "alone": fmt.score(metric, one["alone"]),
        "together": fmt.score(metric, one["together"]),
        "gain": f"{100 * shared['gain']:+.1f} points" if metric in fmt.SHARES else f"{shared['gain']:+.3g}",
        "interval": f"{100 * low:.1f} to {100 * high:.1f}" if metric in fmt.SHARES else f"{low:.3g} to {high:.3g}",
        "words": WORDS[shared["kind"]],
        "kind": shared["kind"],
        "kept": one["kept"],
        "n": fmt.count(one["n"]),
        "whisker": whiskers.whisker(shared["gain"], (low, high), (-room, room), f"s-{shared['kind']}"),
    }
