"""The first lines of the report: the verdict of the model that is handed back, and second the planned one."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from headstart.report import format as fmt
from headstart.report import whiskers
from headstart.report.folder import RunFolder, space_of
from headstart.report.sections import INTERVALS, metric_of, spoils, title_of

HEADLINES = {
    "positive": ("▲", "Transfer helped"),
    "none": ("＝", "No measurable difference"),
    "negative": ("▼", "Transfer hurt"),
    "unmeasured": ("?", "Not measured"),
    "source": ("◆", "A source of your own"),
}
WITHOUT_SOURCE = {"positive": ("▲", "Better, without the source"), "negative": ("▼", "Worse, without the source")}
NOTHING = ("＝", "Nothing was gained")
BASELINE_WORDS = {
    "scratch": "from scratch",
    "source_only": "with the source model as it is",
    "target_only": "with the target's labels alone",
    "pooled": "with both domains as one",
    "rejecting": "with the source model as it is, unknown where it is not certain",
}
BASELINE_LABELS = {
    "source_only": "Source only",
    "target_only": "Target only",
    "pooled": "Pooled",
    "rejecting": "Source only, unknown where uncertain",
}


def told(run: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict with ``arm`` and ``planned``, also of a run that was written when the planned was judged."""
    said = dict(run.get("verdict") or {})
    kept, chosen = (run.get("guard") or {}).get("kept"), said.get("chosen") or run.get("chosen")
    if said.get("arm") or not said:
        return said
    if kept in (None, chosen) or kept != said.get("baseline") or not fmt.is_number(said.get("gain")):
        return said | {"arm": chosen}
    planned = {name: said.get(name) for name in ("kind", "gain", "interval", "p", "baseline")} | {"arm": chosen}
    same = {"kind": "none", "gain": 0.0, "interval": [0.0, 0.0], "interval_kind": "same", "p": 1.0}
    return said | same | {"arm": kept, "planned": planned, "transfers": kept != "scratch"}


def verdict(folder: RunFolder) -> dict[str, Any]:
    """The verdict in one sentence, its figures, and a picture of the gain against zero."""
    run, said = folder.run, told(folder.run)
    metric, gain, bounds = metric_of(run), said.get("gain"), said.get("interval")
    kind = (
        said.get("kind", "none") if fmt.is_number(gain) else "source" if run.get("verb") == "pretrain" else "unmeasured"
    )
    mark, headline = _headline(said, kind)
    return {
        "kind": kind,
        "mark": mark,
        "headline": headline,
        "sentence": _sentence(run, said, kind),
        "second": _second(run, said, metric),
        "note": said.get("note") or "",
        "doubts": [text for text in run.get("warnings") or [] if spoils(text)],
        "figures": _figures(run, metric, said),
        "whisker": None if _same(said) else _whisker(metric, gain, bounds, f"s-{kind}"),
        "interval_kind": INTERVALS.get(str(said.get("interval_kind"))),
        "baseline": BASELINE_LABELS.get(str(said.get("baseline"))),
    }


def _same(said: dict[str, Any]) -> bool:
    """Return whether the baseline itself is handed back."""
    return bool(said.get("arm")) and said["arm"] == said.get("baseline") and fmt.is_number(said.get("gain"))


def _headline(said: dict[str, Any], kind: str) -> tuple[str, str]:
    if _same(said):
        return NOTHING
    if said.get("transfers") is False and kind in WITHOUT_SOURCE:
        return WITHOUT_SOURCE[kind]
    return HEADLINES.get(kind, HEADLINES["none"])


def _whisker(metric: str, gain: Any, bounds: Any, colour: str) -> Markup | None:
    if not fmt.is_number(gain):
        return None
    return whiskers.against_zero(gain, bounds, colour, signed_gain(metric, gain))


def _test(run: dict[str, Any], arm: Any, metric: str) -> Any:
    return ((run.get("arms", {}).get(arm) or {}).get("test") or {}).get(metric)


def _sentence(run: dict[str, Any], said: dict[str, Any], kind: str) -> str:
    metric, data = metric_of(run), run.get("data", {}).get("name", "the target")
    if kind == "source":
        reached = next(iter(run.get("arms", {}).values()), {}).get("test", {}).get(metric)
        return (
            f"A network trained on {data} reaches {fmt.score(metric, reached)} {fmt.title(metric)}, ready as --source."
        )
    if kind == "unmeasured" and run.get("verb") == "adapt":
        return f"{data} has no labels to evaluate with, so nothing says how right the model is there; label some rows."
    if kind == "unmeasured":
        return f"On {data}, no arm was trained from scratch, so nothing says whether the source helped."
    return _measured(run, said, kind, metric, data)


def _measured(run: dict[str, Any], said: dict[str, Any], kind: str, metric: str, data: str) -> str:
    reached, alone = (fmt.score(metric, _test(run, said.get(key), metric)) for key in ("arm", "baseline"))
    name = fmt.title(metric)
    name = f"{name[0].upper()}{name[1:]} on {data} is {reached}"
    without = BASELINE_WORDS.get(str(said.get("baseline")), "without")
    if _same(said):
        return f"{name}, {without}: nothing was gained, and that model is handed back."
    planned = said.get("planned") is None and said.get("transfers") is not False
    way = "transfer" if planned else title_of(run, said.get("arm"))
    pair = f"{name} with {way} and {alone} {without}"
    if kind == "none":
        return f"{pair}: on {fmt.count(said.get('n_test'))} test samples that is too close to call."
    if metric in fmt.SHARES:
        return f"{pair}: {fmt.signed(metric, said['gain'])} points."
    return f"{pair}: {fmt.plain(abs(said['gain']))} {'lower' if kind == 'positive' else 'higher'}."


def _second(run: dict[str, Any], said: dict[str, Any], metric: str) -> str:
    """Say what the planned arm would have been, where another is handed back."""
    planned = said.get("planned")
    if not planned or not fmt.is_number(planned.get("gain")):
        return ""
    reached = fmt.score(metric, _test(run, planned.get("arm"), metric))
    against = BASELINE_WORDS.get(str(planned.get("baseline")), "the baseline")
    size = f"{signed_gain(metric, planned['gain'])} ({bounds_of(metric, planned.get('interval'))})"
    title = title_of(run, planned.get("arm"))
    return f"Planned was {title}, which is not handed back: {reached}, {size} against the model {against}."


def _figures(run: dict[str, Any], metric: str, said: dict[str, Any]) -> list[dict[str, str]]:
    figures, arm, baseline = [], said.get("arm") or run.get("chosen"), said.get("baseline")
    places = [("Handed back", arm), (BASELINE_LABELS.get(str(baseline), "From scratch"), baseline)]
    for label, name in places[:1] if _same(said) else places:
        found = run.get("arms", {}).get(name)
        if found:
            value = fmt.score(metric, found.get("test", {}).get(metric))
            figures.append({"label": label, "value": value, "note": fmt.interval(metric, found.get("interval"))})
    if fmt.is_number(said.get("gain")):
        unit = " points" if metric in fmt.SHARES else ""
        note = bounds_of(metric, said.get("interval"))
        value = "none" if _same(said) else fmt.signed(metric, said["gain"]) + unit
        figures.append({"label": "Gain", "value": value, "note": "the same model" if _same(said) else note})
    if fmt.is_number(said.get("gain")) and not _same(said):
        figures.append({"label": "Is it chance?", "value": fmt.p_value(said.get("p")), "note": _test_name(run)})
    best = said.get("best") or {}
    if fmt.is_number(best.get("gain")) and best.get("baseline") not in (arm, baseline):
        value, note = signed_gain(metric, best["gain"]), bounds_of(metric, best.get("interval"))
        label = f"Over the best simple way, {title_of(run, best.get('baseline'))}"
        figures.append({"label": label, "value": value, "note": note})
    n_test = said.get("n_test") or ((run.get("data") or {}).get("splits") or {}).get("test")
    label = "Judged out of fold" if (run.get("plan") or {}).get("crossed") else "Test samples"
    figures.append({"label": label, "value": fmt.count(n_test), "note": _seeds(run)})
    return figures


def _seeds(run: dict[str, Any]) -> str:
    """Say over how many seeds the figures are means, and whose weights are handed back."""
    seeds = len(run.get("seeds") or [1])
    kept = (run.get("guard") or {}).get("seed")
    if seeds == 1:
        return "1 seed"
    return f"{seeds} seeds" + (f"; the weights are those of seed {kept}" if kept is not None else "")


def signed_gain(metric: str, gain: float) -> str:
    """Return a gain with its unit, short enough to stand beside a dot."""
    return fmt.signed(metric, gain) + (" points" if metric in fmt.SHARES else "")


def bounds_of(metric: str, bounds: Any) -> str:
    """Return the bounds of a gain, each with its sign."""
    return f"{fmt.signed(metric, bounds[0])} to {fmt.signed(metric, bounds[1])}" if bounds else fmt.DASH


def _test_name(run: dict[str, Any]) -> str:
    return "exact McNemar test" if space_of(run).has_hits else "paired test"
