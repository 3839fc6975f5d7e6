"""Where the kept model is right and wrong: confusion, labels, residuals, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from headstart.functional.bootstrap import corpus_interval
from headstart.functional.calibration import calibration_error, confidences
from headstart.report import format as fmt
from headstart.report import plots
from headstart.report.charts import Frame, Series, lines
from headstart.report.folder import Predictions, RunFolder, space_of

MOST_IN_MATRIX = 20
PAIRS = 15
MOST_CURVES = 12
DRAWS = 300


def errors(folder: RunFolder) -> dict[str, Any] | None:
    """Confusion for one class of several, a table for label sets, residuals for values."""
    found, told = folder.predictions, folder.evidence.get("classes")
    if told is not None and told.get("rows"):
        return {"view": "classes", **_told_classes(told)}
    if found is None or not len(found) or not found.values.shape[1]:
        return None
    space = space_of(folder.run)
    return {"view": space.view, **VIEWS[space.view](found, list(space.names))}


def _confusion(found: Predictions, classes: list[str]) -> dict[str, Any]:
    k, chosen = len(classes), found.values.argmax(axis=1)
    matrix = np.zeros((k, k), dtype=int)
    np.add.at(matrix, (found.labels, chosen), 1)
    pairs = [
        {"label": classes[i], "prediction": classes[j], "n": int(matrix[i, j]), "of": int(matrix[i].sum())}
        for i, j in zip(*np.nonzero(matrix * ~np.eye(k, dtype=bool)), strict=True)
    ]
    return {
        "n": len(found),
        "wrong": int((chosen != found.labels).sum()),
        "classes": classes,
        "matrix": _cells(matrix) if k <= MOST_IN_MATRIX else None,
        "pairs": sorted(pairs, key=lambda pair: -pair["n"])[:PAIRS],
        "per_class": _per_class(matrix, classes),
    }


def _told_classes(told: dict[str, Any]) -> dict[str, Any]:
    """The table that a task has made of its classes: shares, or nothing where a class does not occur."""
    columns = told.get("columns") or []
    rows = [
        {
            "name": row.get("name"),
            "n": fmt.count(row.get("n")),
            "cells": [_cell(row.get(c), c in (told.get("counts") or ())) for c in columns],
        }
        for row in told["rows"]
    ]
    about = {name: told.get(name) or "" for name in ("about", "legend")}
    return {"n": told.get("n", 0), "columns": columns, "rows": rows, "curves": _curves(told.get("curves")), **about}


def _cell(value: Any, is_count: bool) -> str:
    if not fmt.is_number(value):
        return fmt.DASH
    return f"{value:.1f}" if is_count else fmt.percent(value)


def _curves(curves: list[dict[str, Any]] | None) -> list[Markup]:
    """Precision against recall, a panel per class."""
    found = []
    for one in (curves or [])[:MOST_CURVES]:
        points = list(zip(one.get("recall") or [], one.get("precision") or [], strict=False))
        if points:
            frame = Frame((0, 1), (0, 1), f"recall of {one['name']}", "precision", True, True, width=400, height=300)
            found.append(
                lines(
                    frame,
                    [Series(points, "s-chosen")],
                    f"precision against recall of {one['name']}, {len(points)} points",
                )
            )
    return found


def _cells(matrix: np.ndarray) -> list[list[dict[str, Any]]]:
    totals = matrix.sum(axis=1, keepdims=True)
    shares = matrix / np.maximum(totals, 1)
    return [
        [
            {"n": int(n), "share": round(float(s), 3), "right": i == j}
            for j, (n, s) in enumerate(zip(row, part, strict=True))
        ]
        for i, (row, part) in enumerate(zip(matrix, shares, strict=True))
    ]


def _per_class(matrix: np.ndarray, classes: list[str]) -> list[dict[str, str]]:
    right, true, chosen = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    return [
        {
            "name": name,
            "n": fmt.count(int(true[i])),
            "recall": fmt.percent(right[i] / true[i]) if true[i] else fmt.DASH,
            "interval": fmt.interval("accuracy", plots.wilson(right[i] / true[i], int(true[i])))
            if true[i]
            else fmt.DASH,
            "precision": fmt.percent(right[i] / chosen[i]) if chosen[i] else fmt.DASH,
        }
        for i, name in enumerate(classes)
    ]


def _labels(found: Predictions, classes: list[str]) -> dict[str, Any]:
    chosen, true = found.values > 0.5, found.labels > 0.5
    both = (chosen & true).sum(axis=0)
    rows = []
    for i, name in enumerate(classes):
        n, said, hits = int(true[:, i].sum()), int(chosen[:, i].sum()), int(both[i])
        rows.append(
            {
                "name": name,
                "n": fmt.count(n),
                "recall": fmt.percent(hits / n) if n else fmt.DASH,
                "interval": fmt.interval("accuracy", plots.wilson(hits / n, n)) if n else fmt.DASH,
                "precision": fmt.percent(hits / said) if said else fmt.DASH,
                "f1": fmt.percent(2 * hits / (n + said)) if n + said else fmt.DASH,
            }
        )
    exact = int((chosen == true).all(axis=1).sum())
    return {"n": len(found), "wrong": len(found) - exact, "per_class": rows}


def _residuals(found: Predictions, targets: list[str]) -> dict[str, Any]:
    panels = []
    for i, name in enumerate(targets[:6]):
        true, predicted = found.labels[:, i], found.values[:, i]
        off = predicted - true
        mean = fmt.plain(float(off.mean()))
        panels.append(
            {
                "name": name,
                "scatter": plots.against(true, predicted, name, f"predicted against true {name}, {len(found)} samples"),
                "histogram": plots.histogram(off, f"predicted minus true {name}", f"errors of {name}, mean {mean}"),
                "bias": mean.replace("-", "−"),
                "half": fmt.plain(float(np.median(np.abs(off)))),
                "most": fmt.plain(float(np.quantile(np.abs(off), 0.9))),
            }
        )
    return {"n": len(found), "panels": panels}


VIEWS = {"confusion": _confusion, "labels": _labels, "residuals": _residuals}
"""What a kind of task names as its view (`headstart.kinds.LabelSpace`); the template shows each in its own way."""


def calibration(folder: RunFolder) -> dict[str, Any] | None:
    """Whether a confidence means what it says; None for values, which have no probabilities."""
    found, space = folder.predictions, space_of(folder.run)
    if found is None or not len(found) or not space.has_probabilities:
        return None
    confidence, right = confidences(found.values, found.labels, space.link)
    groups = plots.bins(confidence, right)
    draws = min(DRAWS, max(20, 20_000_000 // len(right)))
    gap, low, high = corpus_interval(lambda at: calibration_error(confidence[at], right[at]), len(right), draws=draws)
    # Resampled errors are too large by as much as the error itself is: reflected, the two cancel.
    low, high = max(0.0, 2 * gap - high), max(gap, 2 * gap - low)
    mean, share = float(confidence.mean()), float(right.mean())
    return {
        "chart": plots.reliability(groups, f"reliability diagram, calibration error {fmt.percent(gap)}"),
        "ece": fmt.percent(gap),
        "interval": fmt.interval("ece", (low, high)),
        "confidence": fmt.percent(mean),
        "right": fmt.percent(share),
        "right_interval": fmt.interval("accuracy", plots.wilson(share, len(right))),
        "tendency": _tendency(mean - share),
        "set": _temperature(folder.run.get("calibration")),
        "n": fmt.count(len(confidence)),
        "labels": space.link == "sigmoid",
    }


def _temperature(record: Any) -> str:
    """Say by what temperature the confidence was set right, and what it was before."""
    if not isinstance(record, dict) or not fmt.is_number(record.get("temperature")):
        return str(record.get("why") or "") if isinstance(record, dict) else ""
    before, after = fmt.percent(record.get("before")), fmt.percent(record.get("after"))
    on = {
        "target": "samples of the target, out of fold",
        "source": "samples of the source (where they ask for more confidence they are believed by half)",
    }.get(str(record.get("on")), "samples")
    return (
        f"The confidence was set by a temperature of {fmt.plain(record['temperature'])}, found on "
        f"{fmt.count(record.get('n'))} held-out {on}: on the test split the calibration error was {before} before "
        f"and is {after} now. The answers themselves are the same."
    )


def _tendency(gap: float) -> str:
    if abs(gap) < 0.02:
        return "close to how often it is right"
    return "more sure than it should be" if gap > 0 else "less sure than it could be"
