"""The race of sources before the road: who ran, how long, who was dropped and why, what a minute more would buy."""

from __future__ import annotations

from typing import Any

from headstart.kinds import ERRORS
from headstart.report import format as fmt
from headstart.report.folder import RunFolder

MOST = 30
"""Fine-tunings that are listed, the best first."""
SCORES = {"knn": "k-NN", "linear_probe": "probe", "logme": "LogME"}
ENDED = {"finished": "ran to the end", "dropped": "dropped early", "cut": "cut by the clock"}


def race(folder: RunFolder) -> dict[str, Any] | None:
    """What ``race.json`` says, as texts; None where nothing raced."""
    found = folder.race
    if found is None:
        return None
    metric, winner = found["metric"], found["winner"]
    trials = sorted(found["trials"], key=lambda one: (-len(one["scores"]), -(one["scores"] or [0.0])[-1]))
    return {
        "n": fmt.count(found["n"]),
        "metric": fmt.title(metric),
        "seconds": fmt.duration(found["seconds"]),
        "limit": fmt.duration(found["limit"]),
        "winner": winner["source"],
        "way": _way(winner),
        "why": winner["why"],
        "scores": list(SCORES.values()),
        "sources": [_source(one, metric, winner["source"]) for one in found["standings"]],
        "trials": [_trial(one, metric, winner["trial"]) for one in trials[:MOST]],
        "n_trials": len(trials),
        "rungs": _rungs(found["rungs"]),
        "coming": found["coming"],
        "notes": found["notes"],
    }


def _way(winner: dict[str, Any]) -> str:
    if winner["method"] is None:
        return ""
    return f"{winner['method']}, depth {winner['depth']}" if winner["depth"] else str(winner["method"])


def _source(one: dict[str, Any], metric: str, winner: str) -> dict[str, Any]:
    return {
        "name": one["source"],
        "title": one["title"],
        "won": one["source"] == winner,
        "rank": fmt.plain(one["rank"]) if fmt.is_number(one["rank"]) else "",
        "scores": [fmt.plain(one["scores"][name]) if name in one["scores"] else "" for name in SCORES],
        "probe": _score(metric, one["probe"]),
        "seconds": fmt.duration(one["seconds"]),
        "left": "" if one["left"] is None else f"Left after the {one['left']}. {one['why']}",
    }


def _trial(one: dict[str, Any], metric: str, winner: int | None) -> dict[str, Any]:
    depth = f", depth {one['depth']}" if one["depth"] else ""
    return {
        "number": one["number"],
        "won": one["number"] == winner,
        "way": f"{one['source']}: {one['method']}{depth}",
        "settings": ", ".join(f"{name} {_setting(value)}" for name, value in one["settings"].items()),
        "scores": " → ".join(_score(metric, value) for value in one["scores"]) or "–",
        "seconds": fmt.duration(one["seconds"]),
        "ended": f"{ENDED.get(one['ended'], one['ended'])}. {one['why']}".strip(),
    }


def _rungs(rungs: list[dict[str, Any]]) -> str:
    return ", ".join(f"{fmt.plain(one['epochs'])} epochs on {one['folds']} fold(s)" for one in rungs)


def _score(metric: str, value: Any) -> str:
    if not fmt.is_number(value):
        return ""
    return fmt.score(metric, -value if metric in ERRORS else value)


def _setting(value: Any) -> str:
    return fmt.plain(value) if fmt.is_number(value) else str(value)
