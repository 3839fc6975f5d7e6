"""How trainings on two domains went: the terms of their losses, their players, and what both say."""

from __future__ import annotations

from typing import Any

from headstart.report import charts
from headstart.report import format as fmt
from headstart.report.folder import RunFolder
from headstart.report.sections import COLOURS

JOINT = (
    "Candidates that train a network on both domains: from random weights on the same features, or, where their name "
    "ends in @ and a number, that many last stages of the network itself."
)
ALONE = "The run's network, trained on the target's samples alone, without their labels and without the source's data."
MOST = 6
"""Candidates that are drawn, those with players first."""
TOO_STRONG, AT_CHANCE = 0.95, 0.6
"""Accuracy of a discriminator, of two domains alike in number, above which it wins, and below which it guesses."""
COLLAPSED = 0.25
"""How far a class's share of the target's answers may be above its share of the source."""


def training(folder: RunFolder) -> dict[str, Any] | None:
    """Return a panel per trained candidate; None where none was trained."""
    found = (folder.evidence.get("training") or {}).get("candidates") or []
    told = sorted(found, key=lambda one: (not one.get("kept"), not _measures(one)))
    panels = [_panel(one, folder) for one in told if one.get("records")]
    if not panels:
        return None
    explain = JOINT if folder.run.get("across") else ALONE
    return {"explain": explain, "panels": panels[:MOST], "more": [one["title"] for one in panels[MOST:]]}


def _panel(one: dict[str, Any], folder: RunFolder) -> dict[str, Any]:
    records = one["records"]
    terms = {name: _points(records, "terms", name) for name in _names(records, "terms")}
    terms = terms or {"loss": [(r["step"], r["train_loss"]) for r in records if fmt.is_number(r.get("train_loss"))]}
    shares = {name: _points(records, "measures", name) for name in _measures(one)}
    drawn = [_chart(terms, "loss", False, one["title"])]
    drawn += [_chart(shares, "share", True, one["title"])] if shares else []
    return {
        "title": one["title"],
        "kept": bool(one.get("kept")),
        "charts": drawn,
        "says": reading(records, one.get("commonest")),
        "translated": _translated(one.get("translated") or {}, folder),
    }


def _translated(found: dict[str, list[dict[str, str]]], folder: RunFolder) -> list[dict[str, Any]]:
    """Return pictures of each domain and what they were translated to; an empty list where none were."""
    words = {"source": "Source pictures as they would look in the target", "target": "Target pictures taken back"}
    told = []
    for domain, heading in words.items():
        pairs = [(folder.picture(pair["before"]), folder.picture(pair["after"])) for pair in found.get(domain) or []]
        shown = [pair for pair in pairs if None not in pair]
        if shown:
            told.append({"heading": heading, "pairs": shown})
    return told


def _measures(one: dict[str, Any]) -> list[str]:
    """Return the measures that are shares of samples, which one chart can show."""
    records = one.get("records") or []
    return [
        name
        for name in _names(records, "measures")
        if all(0 <= value <= 1 for _, value in _points(records, "measures", name))
    ]


def _names(records: list[dict[str, Any]], part: str) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record.get(part) or {}))


def _points(records: list[dict[str, Any]], part: str, name: str) -> list[tuple[float, float]]:
    values = [(record["step"], (record.get(part) or {}).get(name)) for record in records]
    return [(step, value) for step, value in values if fmt.is_number(value)]


def _chart(lines: dict[str, list[tuple[float, float]]], label: str, share: bool, title: str) -> dict[str, Any]:
    lines = {name: points for name, points in lines.items() if points}
    colours = dict(zip(lines, ("s-chosen", *COLOURS) * 4, strict=False))
    xs = [x for points in lines.values() for x, _ in points] or [0.0, 1.0]
    low, high = (0.0, 1.0) if share else charts.spread([y for points in lines.values() for _, y in points])
    frame = charts.Frame((0.0, max(*xs, 1.0)), (low, high), "step", label, share_y=share)
    series = [charts.Series(points, colours[name]) for name, points in lines.items()]
    named = ", ".join(name.replace("_", " ") for name in lines)
    return {
        "chart": charts.lines(frame, series, f"{title}: {named} by step"),
        "legend": [(colours[name], name.replace("_", " ")) for name in lines],
    }


def reading(records: list[dict[str, Any]], commonest: dict[str, Any] | None = None) -> list[str]:
    """Say what the last measures mean: a discriminator that wins or guesses, classes that collapse.

    Parameters
    ----------
    commonest : the class that most target rows are given, its share of them and of the source.

    Examples
    --------
    >>> reading([{"step": 9, "measures": {"discriminator_accuracy": 0.52}}])
    ['The discriminator is right on 52% of both domains: nothing tells them apart, or nothing did.']
    """
    last = next((record["measures"] for record in reversed(records) if record.get("measures")), {})
    said = []
    right = last.get("discriminator_accuracy")
    if fmt.is_number(right):
        share = f"The discriminator is right on {right:.0%} of both domains"
        if right >= TOO_STRONG:
            said.append(
                f"{share}: it wins, and the features still show the domain. What is gained, if anything, is not gained "
                "by alignment; a larger strength or more steps may help, or another method."
            )
        elif right <= AT_CHANCE:
            said.append(f"{share}: nothing tells them apart, or nothing did.")
        else:
            said.append(f"{share}: a part of the shift is left.")
    if commonest and commonest["target"] > commonest["source"] + COLLAPSED:
        said.append(
            f"{commonest['target']:.0%} of the target rows are answered with {commonest['class']}, which is "
            f"{commonest['source']:.0%} of the source: the classes collapse, or the domains have other shares of them."
        )
    return said
