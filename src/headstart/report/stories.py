"""The sections about single samples, the features, the data, and how to do it again."""

from __future__ import annotations

import shlex
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup

from headstart.kinds import LabelSpace
from headstart.report import format as fmt
from headstart.report import plots
from headstart.report.folder import RunFolder, space_of

COLOURED = 10
NAMED = 12
TITLED = 400


def mistakes(folder: RunFolder) -> dict[str, Any] | None:
    """The most confident mistakes, or the largest errors."""
    part = folder.evidence.get("mistakes")
    if part is None:
        return None
    items = [_sample(folder, item) for item in part.get("items") or []]
    return {"samples": items, "note": part.get("note"), "of_values": not space_of(folder.run).of_classes}


def _sample(folder: RunFolder, item: dict[str, Any]) -> dict[str, Any]:
    return item | {
        "label": _words(item.get("label")),
        "prediction": _words(item.get("prediction")),
        "confidence": fmt.sure(item.get("confidence")),
        "picture": folder.picture(item.get("picture")),
        "overlay": folder.picture(item.get("overlay")),
    }


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_words(v) for v in value) or "none"
    return fmt.plain(value, 4).replace("-", "−") if fmt.is_number(value) else str(value)


def feature_map(folder: RunFolder) -> dict[str, Any] | None:
    """The map of features before and after training."""
    part = folder.evidence.get("map")
    if part is None:
        return None
    if not part.get("points"):
        return {"note": part.get("note"), "panels": []}
    space = space_of(folder.run)
    groups, legend = _groups(part["labels"], space)
    agreement = part.get("agreement") or {}
    headings = {"before": "Before: the source's features", "after": "After: the kept model's features"}
    same = part["points"]["before"] == part["points"]["after"]
    if same:
        headings = {"after": "The source's features, which the kept model uses as they are"}
    panels = []
    for when, heading in headings.items():
        points = np.array(part["points"][when], dtype=np.float64).reshape(-1, 2)
        share = agreement.get(when)
        alt = f"{heading}, {len(points)} test samples" + (
            f", neighbour agreement {fmt.percent(share)}" if share else ""
        )
        panels.append(
            {
                "heading": heading,
                "share": fmt.percent(share) if fmt.is_number(share) else None,
                "chart": plots.cloud(
                    points, groups, _titles(part, space), _centres(points, part["labels"], space), alt
                ),
            }
        )
    return {
        "panels": panels,
        "legend": legend,
        "n": fmt.count(part.get("n")),
        "n_test": fmt.count(part.get("n_test")),
        "layout": part.get("layout", "PCA"),
        "same": same,
    }


def _groups(labels: list[Any], space: LabelSpace) -> tuple[list[str], list[tuple[str, str]]]:
    """Return a colour class per point, and the legend."""
    if not space.of_classes:
        values = np.array(labels, dtype=np.float64).reshape(len(labels), -1)[:, 0]
        order = values.argsort().argsort() * 5 // max(len(values), 1)
        edges = [float(np.quantile(values, q)) for q in (0, 0.2, 0.4, 0.6, 0.8, 1)]
        names = [f"{fmt.plain(a)} to {fmt.plain(b)}" for a, b in pairwise(edges)]
        return [f"v{i}" for i in order], [(f"v{i}", name) for i, name in enumerate(names)]
    numbers = [_class_of(label) for label in labels]
    common = [c for c, _ in sorted(_tally(numbers).items(), key=lambda pair: (-pair[1], pair[0]))]
    shown = sorted(common if len(common) <= COLOURED else common[: COLOURED - 1])
    colour = {c: f"c{i}" for i, c in enumerate(shown)}
    legend = [(colour[c], "no label" if c < 0 else space.names[c]) for c in shown]
    if len(shown) < len(common):
        legend.append(("c-other", f"{len(common) - len(shown)} other classes"))
    return [colour.get(c, "c-other") for c in numbers], legend


def _class_of(label: Any) -> int:
    if isinstance(label, list):
        return next((i for i, value in enumerate(label) if value > 0.5), -1)
    return int(label)


def _tally(numbers: list[int]) -> dict[int, int]:
    return {number: numbers.count(number) for number in set(numbers)}


def _titles(part: dict[str, Any], space: LabelSpace) -> list[str]:
    names = part.get("names") or []
    if len(names) > TITLED or len(names) != len(part["labels"]):
        return [""] * len(part["labels"])
    if not space.one_class:
        return [str(name) for name in names]
    return [f"{name} ({space.names[label]})" for name, label in zip(names, part["labels"], strict=True)]


def _centres(points: np.ndarray, labels: list[Any], space: LabelSpace) -> list[tuple[float, float, str]]:
    """Return where to write the class names: the median of each class, for few classes of one kind."""
    if not space.one_class or len(space.names) > NAMED:
        return []
    numbers = np.array(labels)
    found = [(np.median(points[numbers == c], axis=0), name) for c, name in enumerate(space.names) if c in labels]
    return [(float(x), float(y), name if len(name) <= 18 else name[:17] + "…") for (x, y), name in found]


def saliency(folder: RunFolder) -> dict[str, Any] | None:
    """What the model looked at."""
    part = folder.evidence.get("saliency")
    if part is None:
        return None
    items = [_explained(folder, item) for item in part.get("items") or []]
    return {"samples": items, "note": part.get("note"), "method": part.get("method"), "modality": part.get("modality")}


def _explained(folder: RunFolder, item: dict[str, Any]) -> dict[str, Any]:
    shown = _sample(folder, item)
    if item.get("words"):
        shown["words"] = [_word(text, weight) for text, weight in item["words"]]
    if item.get("weights"):
        ranked = sorted(item["weights"], key=lambda pair: -abs(pair[1]))[:8]
        top = max(abs(w) for _, w in ranked) or 1.0
        shown["bars"] = [
            {"name": name, "share": round(abs(w) / top, 3), "value": fmt.plain(w, 2).replace("-", "−"), "for": w >= 0}
            for name, w in ranked
        ]
    return shown


def _word(text: str, weight: float) -> Markup:
    if abs(weight) < 0.08:
        return Markup("{} ").format(text)
    kind = "for" if weight > 0 else "against"
    return Markup('<mark class="{}" style="--w:{:.2f}">{}</mark> ').format(kind, min(abs(weight), 1.0), text)


def data(folder: RunFolder) -> dict[str, Any] | None:
    """Counts and checks of the data."""
    facts = folder.run.get("data")
    if not facts:
        return None
    counts = facts.get("counts") or {}
    splits = [s for s in ("train", "validation", "test") if s in counts] + [
        s for s in counts if s not in ("train", "validation", "test")
    ]
    names = list(dict.fromkeys(name for split in splits for name in counts[split]))
    table = [(name, [fmt.count(counts[split].get(name, 0)) for split in splits]) for name in names]
    totals = [fmt.count((facts.get("splits") or {}).get(s, sum(counts[s].values()))) for s in splits]
    return {
        "splits": splits,
        "rows": table,
        "totals": totals,
        "imbalance": facts.get("imbalance"),
        "damaged": facts.get("damaged") or [],
        "odd": facts.get("odd") or [],
        "duplicates": _duplicates(facts.get("duplicates") or {}),
        "selection": facts.get("selection"),
        "fingerprint": facts.get("fingerprint"),
        "origin": facts.get("origin"),
    }


def _duplicates(found: dict[str, Any]) -> list[dict[str, Any]]:
    heads = {
        "across_splits": "The same sample in more than one split (leakage)",
        "exact": "Exact duplicates",
        "near": "Near duplicates",
    }
    return [
        {
            "heading": head,
            "bad": key == "across_splits",
            "n": found.get(f"n_{key}", len(found.get(key) or [])),
            "groups": (found.get(key) or [])[:10],
        }
        for key, head in heads.items()
    ]


def papers(folder: RunFolder) -> list[dict[str, Any]]:
    """The papers of each arm's method, each named once with the arms that stand on it."""
    found: dict[str, list[str]] = {}
    for name, arm in (folder.run.get("arms") or {}).items():
        for paper in (arm or {}).get("papers") or []:
            found.setdefault(str(paper), []).append(arm.get("title") or name)
    return [{"paper": paper, "arms": list(dict.fromkeys(names))} for paper, names in found.items()]


def reproduce(folder: RunFolder) -> dict[str, Any]:
    """The command, its seeds, the versions and the data's fingerprint."""
    run = folder.run
    command = run.get("command") or []
    return {
        "command": shlex.join(["headstart", *map(str, command)]) if isinstance(command, list) else str(command),
        "seeds": ", ".join(str(seed) for seed in run.get("seeds") or [run.get("seed", 0)]),
        "versions": run.get("versions") or {},
        "headstart": run.get("headstart"),
        "device": run.get("device"),
        "precision": run.get("precision"),
        "seconds": fmt.duration(run.get("seconds")),
        "created": str(run.get("created", ""))[:16].replace("T", " "),
        "fingerprint": (run.get("data") or {}).get("fingerprint"),
        "arguments": {k: v for k, v in (run.get("arguments") or {}).items() if v is not None},
    }
