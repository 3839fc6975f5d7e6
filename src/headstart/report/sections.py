"""What each section of the report says, as plain values for the template; None where a section does not apply."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from headstart.report import charts, whiskers
from headstart.report import format as fmt
from headstart.report.folder import RunFolder

HEADLINES = {
    "positive": ("▲", "Transfer helped"),
    "none": ("＝", "No measurable difference"),
    "negative": ("▼", "Transfer hurt"),
    "unmeasured": ("?", "Not measured"),
    "source": ("◆", "A source of your own"),
}
BASELINE_WORDS = {
    "source_only": "with the source model as it is",
    "target_only": "with the target's labels alone",
    "pooled": "with both domains as one",
}
BASELINE_LABELS = {"source_only": "Source only", "target_only": "Target only", "pooled": "Pooled"}
COLOURS = ("s-2", "s-3", "s-4", "s-5", "s-6")


def colours(run: dict[str, Any]) -> dict[str, str]:
    """Return a CSS class per arm: grey for scratch, the accent for the arm that stands for transfer."""
    rest = iter(COLOURS * 4)
    fixed = {"scratch": "s-scratch", run.get("chosen"): "s-chosen"}
    return {name: fixed.get(name) or next(rest) for name in run.get("arms", {})}


def verdict(folder: RunFolder) -> dict[str, Any]:
    """The verdict in one sentence, its figures, and a picture of the gain against zero."""
    run = folder.run
    said = run.get("verdict") or {}
    metric, gain, bounds = metric_of(run), said.get("gain"), said.get("interval")
    measured = fmt.is_number(gain)
    kind = said.get("kind", "none") if measured else "source" if run.get("verb") == "pretrain" else "unmeasured"
    mark, headline = HEADLINES.get(kind, HEADLINES["none"])
    return {
        "kind": kind,
        "mark": mark,
        "headline": headline,
        "sentence": _sentence(run, kind),
        "figures": _figures(run, metric, said),
        "whisker": _whisker(metric, gain, bounds, f"s-{kind}"),
    }


def _whisker(metric: str, gain: Any, bounds: Any, colour: str) -> Markup | None:
    if not fmt.is_number(gain):
        return None
    return whiskers.against_zero(gain, bounds, colour, signed_gain(metric, gain))


def title_of(run: dict[str, Any], arm: Any) -> str:
    """Return an arm's title, its name where it has none."""
    return (run.get("arms", {}).get(arm) or {}).get("title") or str(arm)


def _sentence(run: dict[str, Any], kind: str) -> str:
    said = run.get("verdict") or {}
    metric, data = metric_of(run), run.get("data", {}).get("name", "the target")
    chosen = run.get("arms", {}).get(said.get("chosen") or run.get("chosen")) or {}
    scratch = run.get("arms", {}).get(said.get("baseline") or "scratch") or {}
    reached, alone = (arm.get("test", {}).get(metric) for arm in (chosen, scratch))
    if kind == "source":
        reached = next(iter(run.get("arms", {}).values()), {}).get("test", {}).get(metric)
        return (
            f"A network trained on {data} reaches {fmt.score(metric, reached)} {fmt.title(metric)}, ready as --source."
        )
    if kind == "unmeasured" and run.get("verb") == "adapt":
        return f"{data} has no labels to evaluate with, so nothing says how right the model is there; label some rows."
    if kind == "unmeasured":
        return f"On {data}, no arm was trained from scratch, so nothing says whether the source helped."
    pair = f"{fmt.title(metric)} on {data} is {fmt.score(metric, reached)} with transfer"
    pair += f" and {fmt.score(metric, alone)} {BASELINE_WORDS.get(str(said.get('baseline')), 'without')}"
    size = f"{fmt.signed(metric, said['gain'])} {'points' if metric in fmt.SHARES else ''}".strip()
    if kind == "none":
        return (
            f"{pair[0].upper()}{pair[1:]}: on {fmt.count(said.get('n_test'))} test samples that is too close to call."
        )
    if metric in fmt.SHARES:
        return f"{pair[0].upper()}{pair[1:]}: {size}."
    better = "lower" if kind == "positive" else "higher"
    return f"{pair[0].upper()}{pair[1:]}: {fmt.plain(abs(said['gain']))} {better}."


def _figures(run: dict[str, Any], metric: str, said: dict[str, Any]) -> list[dict[str, str]]:
    figures = []
    for label, name in (
        ("With transfer", said.get("chosen") or run.get("chosen")),
        (BASELINE_LABELS.get(str(said.get("baseline")), "From scratch"), said.get("baseline")),
    ):
        arm = run.get("arms", {}).get(name)
        if arm:
            value = fmt.score(metric, arm.get("test", {}).get(metric))
            figures.append({"label": label, "value": value, "note": fmt.interval(metric, arm.get("interval"))})
    if fmt.is_number(said.get("gain")):
        unit = " points" if metric in fmt.SHARES else ""
        bounds = said.get("interval")
        note = f"{_bound(metric, bounds[0])} to {_bound(metric, bounds[1])}" if bounds else fmt.DASH
        figures.append({"label": "Gain", "value": fmt.signed(metric, said["gain"]) + unit, "note": note})
        figures.append({"label": "Is it chance?", "value": fmt.p_value(said.get("p")), "note": _test_name(run)})
    seeds = len(run.get("seeds") or [1])
    note = f"{seeds} seeds" if seeds > 1 else "1 seed"
    n_test = said.get("n_test") or ((run.get("data") or {}).get("splits") or {}).get("test")
    figures.append({"label": "Test samples", "value": fmt.count(n_test), "note": note})
    return figures


def signed_gain(metric: str, gain: float) -> str:
    """Return a gain with its unit, short enough to stand beside a dot."""
    return fmt.signed(metric, gain) + (" points" if metric in fmt.SHARES else "")


def _bound(metric: str, value: float) -> str:
    return fmt.signed(metric, value)


def _test_name(run: dict[str, Any]) -> str:
    return "exact McNemar test" if run.get("task", {}).get("kind") == "classification" else "paired test"


def kept(folder: RunFolder) -> dict[str, Any] | None:
    """What the guard handed back, and why."""
    guard = folder.run.get("guard")
    if not guard:
        return None
    name = guard.get("kept")
    return {
        "title": title_of(folder.run, name),
        "reason": guard.get("reason", ""),
        "overruled": name != folder.run.get("chosen"),
        "chosen": title_of(folder.run, folder.run.get("chosen")),
        "warnings": folder.run.get("warnings") or [],
    }


def arms(folder: RunFolder) -> dict[str, Any] | None:
    """Every arm with its test metric and interval, and what it cost."""
    run = folder.run
    found = {name: arm for name, arm in (run.get("arms") or {}).items() if arm}
    if not found:
        return None
    metric, colour = metric_of(run), colours(run)
    domain = _domain(metric, found)
    rows = [_arm(run, name, arm, domain, colour[name]) for name, arm in found.items()]
    names = list(dict.fromkeys(m for arm in found.values() for m in arm.get("test", {})))
    table = {m: [fmt.score(m, arm.get("test", {}).get(m)) for arm in found.values()] for m in names}
    return {
        "metric_title": fmt.title(metric),
        "rows": rows,
        "scale": whiskers.scale(domain, lambda value: _short(metric, value)),
        "baselines": _baselines(run, metric),
        "table": {fmt.title(m): cells for m, cells in table.items()},
        "seeds": _per_seed(found, metric),
    }


def _short(metric: str, value: float) -> str:
    return f"{100 * value:.3g}%" if metric in fmt.SHARES else fmt.plain(value).replace("-", "−")


def _baselines(run: dict[str, Any], metric: str) -> list[str]:
    """What needs no features, for scale."""
    ways = {"majority": "Always answering the largest class", "mean": "Always answering the training mean"}
    found = (run.get("baselines") or {}).items()
    values = {ways.get(name, name): (measured or {}).get(metric) for name, measured in found}
    return [f"{way} reaches {fmt.score(metric, v)}." for way, v in values.items() if fmt.is_number(v)]


def plan(folder: RunFolder) -> dict[str, Any] | None:
    """The plan's reasons, and what it fixed."""
    found = folder.plan or folder.run.get("plan")
    if not found:
        return None
    facts = [(name.replace("_", " "), _fact(value)) for name, value in found.items() if _plain(name, value)]
    return {"reasons": found.get("reasons") or [], "facts": [(n, v) for n, v in facts if v]}


def _plain(name: str, value: Any) -> bool:
    """Return whether a part of the plan can be told in a few words; the shift has a section of its own."""
    return name not in ("reasons", "shift") and not (isinstance(value, dict) and any(map(_nested, value.values())))


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list | tuple)


def _fact(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_fact(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_fact(inner) for inner in value)
    return "" if value is None else fmt.plain(value) if fmt.is_number(value) else str(value)


def metric_of(run: dict[str, Any]) -> str:
    """Return the run's primary metric."""
    said = (run.get("verdict") or {}).get("metric")
    kind = run.get("task", {}).get("kind")
    return said or {"multilabel": "samples_f1", "regression": "mae"}.get(kind, "accuracy")


def _domain(metric: str, found: dict[str, Any]) -> charts.Range:
    values = [v for arm in found.values() for v in (arm.get("test", {}).get(metric), *(arm.get("interval") or []))]
    low, high = charts.spread([v for v in values if fmt.is_number(v)], 0.1)
    return (max(low, 0.0), min(high, 1.0)) if metric in fmt.SHARES else (low, high)


def _arm(run: dict[str, Any], name: str, arm: dict[str, Any], domain: charts.Range, colour: str) -> dict[str, Any]:
    metric = metric_of(run)
    value, bounds = arm.get("test", {}).get(metric), arm.get("interval")
    frozen = arm.get("frozen") or {}
    return {
        "name": name,
        "title": arm.get("title") or name,
        "colour": colour,
        "kept": name == (run.get("guard") or {}).get("kept"),
        "value": fmt.score(metric, value),
        "interval": fmt.interval(metric, bounds),
        "whisker": whiskers.whisker(value, bounds, domain, colour) if fmt.is_number(value) else None,
        "validation": fmt.score(metric, arm.get("validation", {}).get(metric)),
        "trainable": fmt.amount(arm.get("trainable_parameters")),
        "parameters": fmt.amount(arm.get("parameters")),
        "epochs": fmt.count(arm.get("epochs")),
        "seconds": fmt.duration(arm.get("seconds")),
        "frozen": len(frozen.get("stages") or []),
        "unchanged": frozen.get("unchanged"),
    }


def _per_seed(found: dict[str, Any], metric: str) -> dict[str, Any] | None:
    numbers = list(dict.fromkeys(s.get("seed") for arm in found.values() for s in arm.get("seeds") or []))
    if len(numbers) < 2:
        return None
    rows = {}
    for name, arm in found.items():
        by_seed = {s.get("seed"): s.get("test", {}).get(metric) for s in arm.get("seeds") or []}
        rows[arm.get("title") or name] = [fmt.score(metric, by_seed.get(seed)) for seed in numbers]
    return {"numbers": numbers, "rows": rows}
