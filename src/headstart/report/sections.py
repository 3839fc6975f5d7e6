"""What each section of the report says, as plain values for the template; None where a section does not apply."""

from __future__ import annotations

from typing import Any

from headstart.report import charts, whiskers
from headstart.report import format as fmt
from headstart.report.folder import RunFolder, space_of

INTERVALS = {
    "bootstrap": "bootstrap over test samples and seeds",
    "wilson": "Wilson's score interval",
    "tango": "Tango's score interval of paired shares",
    "student": "Student's interval over few test samples",
    "same": "one and the same model",
}
COLOURS = ("s-2", "s-3", "s-4", "s-5", "s-6")


def colours(run: dict[str, Any]) -> dict[str, str]:
    """Return a CSS class per arm: grey for scratch, the accent for the arm that is kept."""
    rest = iter(COLOURS * 4)
    kept = (run.get("guard") or {}).get("kept")
    accent = run.get("chosen") if kept in (None, "scratch") else kept
    fixed = {accent: "s-chosen"} | {"scratch": "s-scratch"}
    return {name: fixed.get(name) or next(rest) for name in run.get("arms", {})}


def title_of(run: dict[str, Any], arm: Any) -> str:
    """Return an arm's title, its name where it has none."""
    return (run.get("arms", {}).get(arm) or {}).get("title") or str(arm)


def spoils(warning: str) -> bool:
    """Return whether a warning puts the figures themselves in doubt: something tells the answers."""
    return warning.startswith("Likely leak:") or "too good" in warning


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
        "refit": _refit(folder.run, name),
        "half_labelled": (folder.run.get("half_labelled") or {}).get("lines") or [],
        "warnings": [text for text in folder.run.get("warnings") or [] if not spoils(text)],
    }


def _refit(run: dict[str, Any], kept: Any) -> str:
    """Say which rows the kept model was fitted on, where some served to choose it."""
    across = run.get("across") or {}
    if fmt.is_number(across.get("n_held_out")):
        learned = across.get("n_learned")
        return (
            f"It is fitted on all {fmt.count(across.get('n_source'))} labelled source samples, the "
            f"{fmt.count(across['n_held_out'])} that the evidence holds out of a second fit included"
            + (f", and on all {fmt.count(learned)} target labels that may be learned from." if learned else ".")
        )
    arms = run.get("arms", {})
    rows = ((arms.get(kept) or {}).get("refit") or {}).get("rows")
    if not fmt.is_number(rows):
        return ""
    return (
        f"After the choice it was fitted again on all {fmt.count(rows)} training and validation samples, with what had "
        "been found before; so were the baselines that it is compared with. The figures of the test split are theirs."
    ) + _went_on(arms)


def _went_on(arms: dict[str, Any]) -> str:
    """Say which trained arms were not trained anew, and for how long they went on."""
    found = {name: (arm or {}).get("refit") or {} for name, arm in arms.items()}
    names = [name for name, refit in found.items() if refit.get("goes_on")]
    if not names or not all(fmt.is_number(found[names[0]].get(key)) for key in ("rounds", "rate")):
        return ""
    rounds, rate = found[names[0]]["rounds"], found[names[0]].get("rate")
    return (
        f" What was trained ({', '.join(names)}) went on from the weights found for {rounds:.3g} more epochs of all "
        f"these samples, at {rate:.3g} of the learning rate."
    )


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
    n_test = next((arm["n_test"] for arm in found.values() if arm.get("n_test")), None)
    words = {INTERVALS[kind] for kind in (arm.get("interval_kind") for arm in found.values()) if kind in INTERVALS}
    table = {m: [fmt.score(m, arm.get("test", {}).get(m)) for arm in found.values()] for m in names}
    return {
        "metric_title": fmt.title(metric),
        "rows": rows,
        "scale": whiskers.scale(domain, lambda value: _short(metric, value)),
        "n_test": fmt.count(n_test) if fmt.is_number(n_test) else None,
        "intervals": " or ".join(sorted(words)),
        "baselines": _baselines(run, metric),
        "table": {fmt.title(m): cells for m, cells in table.items()},
        "seeds": _per_seed(found, metric),
    }


def _short(metric: str, value: float) -> str:
    return f"{100 * value:.3g}%" if metric in fmt.SHARES else fmt.plain(value).replace("-", "−")


def _baselines(run: dict[str, Any], metric: str) -> list[str]:
    """What needs no features, for scale."""
    ways = {
        "majority": "Always answering the largest class",
        "mean": "Always answering the training mean",
        "nothing": "Saying that nothing is there",
    }
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
    return (run.get("verdict") or {}).get("metric") or space_of(run).metrics[0]


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
