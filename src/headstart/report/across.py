"""The sections about an adaptation across domains: the shift, the race, the map of both domains, the classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.report import format as fmt
from headstart.report import plots
from headstart.report.folder import RunFolder
from headstart.report.sections import metric_of
from headstart.validators import VALIDATORS


def across(folder: RunFolder) -> dict[str, Any] | None:
    """What the report says of an adaptation; None for any other run."""
    found = folder.run.get("across")
    if not found:
        return None
    metric, unknown = metric_of(folder.run), found.get("unknown")
    return {
        "shift": _shift(found["shift"]),
        "label_sets": (found.get("label_sets") or {}).get("words", ""),
        "adapted_kept": (folder.run.get("guard") or {}).get("kept") == "adapted",
        "race": _race(found, metric),
        "per_class": _per_class(found.get("per_class"), metric),
        "summary": found.get("summary") or [],
        "stages": found.get("stages") or [],
        "counts": [
            ("Labelled source rows", fmt.count(found.get("n_source"))),
            ("Target rows", fmt.count(found.get("n_target"))),
            ("Target labels learned from", fmt.count(found.get("n_learned"))),
            ("Target labels that only evaluate", fmt.count(found.get("n_evaluated"))),
            *([("Target rows answered unknown", fmt.count(unknown["answered"]))] if unknown else []),
        ],
    }


def _shift(shift: dict[str, Any]) -> dict[str, Any]:
    low, high = shift["interval"]
    rows = [
        ("Domain classifier's AUC", f"{shift['auc']:.2f} ({low:.2f} to {high:.2f})", "0.5: alike, 1: disjoint"),
        ("MMD², permutation p", f"{shift['mmd']:.3g}, p {shift['p']:.2g}", "a small p: not one distribution"),
        ("Variance in the source's directions", fmt.percent(shift["overlap"]), "100%: the same subspace"),
        ("AUC, each domain standardised", f"{max(shift['auc_standardised'], 0.5):.2f}", "what means and scales hide"),
        ("Rows left in effect by reweighting", fmt.percent(shift["effective_share"]), "few: reweighting cannot bridge"),
    ]
    if shift.get("auc_label") is not None:
        note = "near 0.5: only the class shares differ"
        rows.append(("AUC with the classes reweighted", f"{max(shift['auc_label'], 0.5):.2f}", note))
    named = [item for item in shift.get("moved") or [] if not item["feature"].startswith("feature ")]
    return {
        "words": shift["words"],
        "reason": shift["reason"],
        "rows": rows,
        "moved": [(item["feature"], f"{item['difference']:+.2f}".replace("-", "−"), f"{item['distance']:.2f}")
                  for item in named],
        "notes": shift.get("notes") or [],
    }  # fmt: skip


def _race(found: dict[str, Any], metric: str) -> dict[str, Any]:
    finished = [one for one in found["candidates"] if one["scores"]]
    names = [name for name in VALIDATORS if any(name in one["scores"] for one in finished)]
    rows = [
        {
            "title": one["title"],
            "name": one["name"],
            "kept": one["kept"],
            "gain": one["note"] if one["predicted_gain"] is None else f"{one['predicted_gain']:+.1f}".replace("-", "−"),
            "test": fmt.score(metric, one["test"]),
            "seconds": fmt.duration(one["seconds"]),
            "scores": [fmt.plain(one["scores"].get(name), 3).replace("-", "−") for name in names],
        }
        for one in finished
    ]
    oracle = found.get("oracle")
    regret = found.get("validators") or {}
    return {
        "rows": rows,
        "unseen": found.get("unseen", False),
        "validators": [name.replace("_", " ") for name in names],
        "regret": [fmt.plain(regret.get(name), 2) if name in regret else "" for name in names] if regret else None,
        "oracle": None if oracle is None else {"title": oracle["title"], "test": fmt.score(metric, oracle["test"])},
        "failed": [(one["title"], one["note"]) for one in found["candidates"] if one["note"] and not one["scores"]],
    }


def _per_class(rows: list[dict[str, Any]] | None, metric: str) -> list[dict[str, str]] | None:
    if not rows:
        return None
    return [
        {
            "name": row["class"],
            "n": fmt.count(row["n"]),
            "before": fmt.percent(row["source_only"]),
            "after": fmt.percent(row["adapted"]),
            "change": fmt.signed("accuracy", row["adapted"] - row["source_only"]),
        }
        for row in rows
    ]


def domains(folder: RunFolder) -> dict[str, Any] | None:
    """The map of both domains before and after adaptation."""
    part = folder.evidence.get("domains")
    if part is None:
        return None
    if not part.get("points"):
        return {"note": part.get("note"), "panels": []}
    groups = [f"c{number}" for number in part["domain"]]
    panels = []
    kept = (folder.run.get("guard") or {}).get("kept") in (None, "adapted")
    after = f"After: {part['after']}" + ("" if kept else " (not kept: another is handed back)")
    for when, heading in (("before", "Before: the features"), ("after", after)):
        points = np.array(part["points"][when], dtype=np.float64).reshape(-1, 2)
        alt = f"{heading}, {part['n_source']} source and {part['n_target']} target samples"
        panels.append({"heading": heading, "chart": plots.cloud(points, groups, [""] * len(points), [], alt)})
    return {"panels": panels, "legend": [("c0", "source"), ("c1", "target")]}
