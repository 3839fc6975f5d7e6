"""The page of a source that was learned without labels."""

from __future__ import annotations

from typing import Any

from headstart.report import charts, stories
from headstart.report import format as fmt
from headstart.report.folder import RunFolder

TRAINING = "training_loss"
"""The one figure that is not of samples held out."""


def context(folder: RunFolder) -> dict[str, Any]:
    """Return what the template shows."""
    run, found = folder.run, folder.evidence.get("blind") or {}
    arms, kept = run.get("arms") or {}, (run.get("guard") or {}).get("kept")
    name = kept if kept in arms else next(iter(arms), "")
    arm = arms.get(name) or {}
    held = fmt.count(found.get("n")) if fmt.is_number(found.get("n")) else ""
    return {
        "run": run,
        "title": arm.get("title") or name,
        "figures": [
            (fmt.title(key), fmt.plain(value), "training samples" if key == TRAINING else f"{held} samples held out")
            for key, value in (arm.get("test") or {}).items()
            if value
        ],
        "seconds": fmt.duration(arm.get("seconds")),
        "curve": _curve(folder),
        "errors": _errors(found.get("usual") or []),
        "samples": _samples(folder, found.get("samples") or []),
        "unusual": _samples(folder, found.get("unusual") or []),
        "gallery": [
            {"name": one["name"], "pictures": [folder.picture(name) for name in one["pictures"]]}
            for one in found.get("gallery") or []
        ],
        "measured": _measured((run.get("without_labels") or {}).get("measured") or []),
        "reasons": (folder.plan or {}).get("reasons") or [],
        "data": stories.data(folder),
        "papers": arm.get("papers") or [],
        "warnings": run.get("warnings") or [],
    }


def _curve(folder: RunFolder) -> Any:
    points = [
        (line["epoch"], line["train_loss"])
        for line in folder.metrics
        if fmt.is_number(line.get("epoch")) and fmt.is_number(line.get("train_loss"))
    ]
    if not points:
        return None
    ys = charts.spread([y for _, y in points])
    frame = charts.Frame((0.0, max(x for x, _ in points) or 1.0), ys, "epoch", "loss")
    return charts.lines(frame, [charts.Series(points, "s-chosen")], "Training loss by epoch")


def _errors(usual: list[float]) -> Any:
    """Draw which share of the held-out samples has an error below each value."""
    values = [value for value in usual if fmt.is_number(value)]
    if len(values) < 2 or not values[-1] > values[0]:
        return None
    points = [(value, number / (len(values) - 1)) for number, value in enumerate(values)]
    frame = charts.Frame((values[0], values[-1]), (0.0, 1.0), "reconstruction error", "share below", share_y=True)
    return charts.lines(frame, [charts.Series(points, "s-chosen")], "Share of held-out samples below each error")


def _measured(found: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return rows of a table: a figure, its interval, its chance and what it was counted over."""
    rows = []
    for one in found:
        named = {key: value for key, value in one.items() if key.startswith("recall@")} or {"": one}
        for key, value in named.items():
            span = value.get("interval") or []
            rows.append(
                {
                    "name": f"{one.get('name', '')} {key}".strip(),
                    "value": fmt.plain(value.get("value")),
                    "interval": " to ".join(fmt.plain(bound) for bound in span),
                    "chance": fmt.plain(value.get("chance")),
                    "n": fmt.count(one.get("n")),
                    "m": fmt.count(one.get("m")) if one.get("m") else "",
                }
            )
    return rows


def _samples(folder: RunFolder, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": one.get("name", ""),
            "anomaly": fmt.plain(one.get("anomaly")),
            "before": folder.picture(one.get("before")),
            "after": folder.picture(one.get("after")),
            "row": ", ".join(f"{key}: {value}" for key, value in (one.get("row") or {}).items()),
        }
        for one in found
    ]
