"""What run.json says of array methods across domains."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from headstart import catalogue
from headstart.choice.candidates import AT, BASELINES, RACED
from headstart.choice.gain import regrets
from headstart.choice.racing import Result
from headstart.errors import check_names
from headstart.kinds import ERRORS, SHARES
from headstart.models.encoder import Backbone
from headstart.problem import Task
from headstart.shallow.diagnose import Diagnosis
from headstart.workflow.adapting.adaptation import Adaptation, setting_across
from headstart.workflow.adapting.evidence import carried_summary
from headstart.workflow.adapting.race import ADAPTED, Race
from headstart.workflow.adapting.stages import stage_words, told
from headstart.workflow.arm import ACROSS as BASELINE_ARMS
from headstart.workflow.field import Details
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Verdict
from headstart.workflow.record import arm_record, constant_baseline, title_of

TITLES = {
    "source_only": "Source only (tuned)",
    "target_only": "Target only",
    "pooled": "Both domains pooled",
    "rejecting": "Source only, unknown where it is not certain",
    ADAPTED: "Adapted",
    "blend": "Blend of the field",
    "self_training_free": "Self-training, class shares free",
    "source_nearest": "Source only (nearest neighbours)",
    "smoothed": "Blend of the field, smoothed over neighbours",
    "stacked": "Stack, weighted by the target labels given",
}
check_names(BASELINE_ARMS, BASELINES, "headstart.workflow.arm.ACROSS")
check_names(TITLES, (*RACED, ADAPTED), "headstart.workflow.adapting.record.TITLES")


def array_details(
    adaptation: Adaptation,
    shift: Diagnosis,
    races: list[Race],
    predictions: Predictions,
    verdict: Verdict,
    calibration: dict[str, Any] | None,
) -> Details:
    """Return what ``run.json`` says of a field of array methods."""
    sides, first = adaptation.sides, races[0]
    candidates = [_candidate(adaptation, races, row) for row in first.selection.table()]
    best, unknown = _oracle(adaptation, candidates), _unknown(adaptation, first)
    return Details(
        source={
            "spec": sides.source_names,
            "kind": "data",
            "title": sides.source_names,
            "licence": "",
            "paper": "",
            "backbone": None if adaptation.source is None else adaptation.source.spec,
            "rows": len(sides.source_labels),
        },
        setting=setting_across(sides, len(adaptation.learned[0]), _carries(first)),
        selection=first.by,
        arms={arm: _arm(adaptation, arm, races, predictions) for arm in first.arms},
        data={"label_columns": list(sides.sources[0].label_columns), "fingerprint": sides.fingerprint},
        baselines=constant_baseline(adaptation.logic, sides.source_labels, predictions),
        warnings=_warnings(adaptation, verdict),
        versions=("pot",),
        more={
            "calibration": calibration,
            "across": {
                "shift": shift.to_json(),
                "kept": first.kept.name,
                "candidates": candidates,
                "oracle": best,
                "unseen": first.by != Race.by,
                "validators": _regrets(adaptation.task, first),
                "n_source": len(sides.source_labels),
                "n_target": len(sides.target.dataset),
                "n_learned": len(adaptation.learned[0]),
                "n_evaluated": len(adaptation.evaluated),
                "n_held_out": len(first.selection.data.held),
                "target_labels": adaptation.options.target_labels,
                "summary": carried_summary(first),
                **_stages(adaptation, first),
                "per_class": _per_class(adaptation, predictions),
                "unknown": unknown,
                "lines": [*_lines(candidates, best, adaptation.task.metric), *_unknown_lines(unknown)],
            },
        },
    )


def _stages(adaptation: Adaptation, race: Race) -> dict[str, Any]:
    """Say of each candidate that trained the network's stages which they are, and which stood still."""
    encoder = adaptation.encoder
    if not isinstance(encoder, Backbone):
        return {}
    found = [(one, told(one, encoder.network)) for one in race.selection.finished]
    return {"stages": [{"name": one.name, **part, "words": stage_words(part)} for one, part in found if part]}


def _regrets(task: Task, race: Race) -> dict[str, float]:
    """Return how far each validator errs alone, where validators choose."""
    return regrets() if task.label_space.one_class and race.by == Race.by else {}


def _carries(race: Race) -> Any:
    names = [one.name for one in race.selection.finished if _is_method(one.name)]
    name = race.kept.name if race.kept.name in names else (names or ["probe"])[0]
    return catalogue.parts(name.partition(AT)[0])[0].carries


def _is_method(name: str) -> bool:
    """Return whether a candidate is a method of the catalogue, with or without penalties."""
    return name.partition(AT)[0].partition("+")[0] in catalogue.names()


def _candidate(adaptation: Adaptation, races: list[Race], row: dict[str, Any]) -> dict[str, Any]:
    """One candidate's scores, and, where the target is labelled, what it reached on it."""
    name = row["name"]
    gain = row["predicted_gain"]
    return {
        "name": name,
        "title": title_of(name, TITLES),
        "scores": {key: round(float(value), 6) for key, value in row["scores"].items() if math.isfinite(value)},
        "predicted_gain": round(float(gain), 3) if math.isfinite(gain) else None,
        "seconds": round(float(row["seconds"]), 3),
        "kept": bool(row["kept"]),
        "note": row["note"],
        "test": _test(adaptation, races, name),
    }


def _test(adaptation: Adaptation, races: list[Race], name: str) -> float | None:
    """The primary metric of a candidate on the evaluated rows, mean over seeds; read after the choice."""
    found = [one for race in races for one in race.selection.finished if one.name == name]
    if not len(adaptation.evaluated) or not found:
        return None
    return float(np.mean([_metric(adaptation, one) for one in found]))


def _metric(adaptation: Adaptation, one: Result) -> float:
    answers, labels = np.asarray(one.target)[adaptation.evaluated], adaptation.sides.target_labels[adaptation.evaluated]
    answers = answers[:, None] if answers.ndim == 1 else answers
    return adaptation.logic.measure(adaptation.task.metric, answers, adaptation.task.label_space.as_labels(labels))


def _oracle(adaptation: Adaptation, candidates: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What knowing the target's labels would have chosen."""
    measured = [one for one in candidates if one["test"] is not None]
    if not measured:
        return None
    best = (min if adaptation.task.metric in ERRORS else max)(measured, key=lambda one: one["test"])
    return {"name": best["name"], "title": best["title"], "test": best["test"]}


def _members(race: Race, name: str) -> list[str]:
    """Return the methods that an arm stands on: its own, or for a combination those that it may average."""
    if name in BASELINES:
        return []
    finished = [one.candidate.method for one in race.selection.finished]
    own = [name.partition(AT)[0]] if _is_method(name) else finished
    return [method for method in own if _is_method(method)]


def _arm(adaptation: Adaptation, arm: str, races: list[Race], predictions: Predictions) -> dict[str, Any]:
    ones = [race.arms[arm] for race in races if arm in race.arms]
    name = ones[0].name
    papers = [paper for member in _members(races[0], name) for paper in catalogue.papers(member)]
    return arm_record(
        adaptation.logic,
        arm,
        predictions,
        [{"seconds": one.seconds, "validation": {}} for one in ones],
        method=name,
        title=f"Adapted: {title_of(name, TITLES)}" if arm == ADAPTED else TITLES[arm],
        papers=list(dict.fromkeys(papers)),
        seed=adaptation.options.seed,
    )


def _per_class(adaptation: Adaptation, predictions: Predictions) -> list[dict[str, Any]] | None:
    """How each class changes from source-only to adapted."""
    if not adaptation.task.label_space.one_class or not len(predictions.rows) or ADAPTED not in predictions.values:
        return None
    before, after = (np.mean([value.argmax(axis=1) == predictions.labels for value in predictions.values[arm]], axis=0)
                     for arm in ("source_only", ADAPTED))  # fmt: skip
    rows = []
    for number, name in enumerate(adaptation.task.classes):
        mine = predictions.labels == number
        if mine.any():
            rows.append(
                {"class": name, "n": int(mine.sum()), "source_only": float(before[mine].mean()),
                 "adapted": float(after[mine].mean())}
            )  # fmt: skip
    return rows


def _unknown(adaptation: Adaptation, race: Race) -> dict[str, Any] | None:
    """Of an open set: how many target rows the model that is handed back answers with "unknown"."""
    if not adaptation.sides.open_set:
        return None
    answers = np.asarray(race.kept.target).argmax(axis=1)
    return {"answered": int((answers == adaptation.task.n_outputs - 1).sum()), "rows": len(answers)}


def _unknown_lines(found: dict[str, Any] | None) -> list[str]:
    return (
        [] if found is None else [f"Open set: {found['answered']} of {found['rows']} target rows are answered unknown."]
    )


def _lines(candidates: list[dict[str, Any]], best: dict[str, Any] | None, metric: str) -> list[str]:
    """Say the race in a few lines."""

    def shown(value: float | None) -> str:
        return "" if value is None else f"  test {100 * value:.1f}%" if metric in SHARES else f"  test {value:.4g}"

    lines = ["Race (chosen without target labels):"]
    not_begun: dict[str, list[str]] = {}
    for one in candidates:
        if one["note"].startswith("left out: ") and one["test"] is None:
            not_begun.setdefault(one["note"], []).append(one["name"])
        elif one["note"]:
            lines.append(f"  {one['name']:<26} {one['note']}{shown(one['test'])}")
        else:
            gain = "" if one["predicted_gain"] is None else f"predicted gain {one['predicted_gain']:+.1f}"
            lines.append(f"{'*' if one['kept'] else ' '} {one['name']:<26} {gain:<22}{shown(one['test'])}")
    lines += [f"  {', '.join(names)} {note}" for note, names in not_begun.items()]
    if best:
        lines.append(f"  With the target's labels {best['name']} would have been chosen:{shown(best['test'])}.")
    return lines


def _warnings(adaptation: Adaptation, verdict: Verdict) -> list[str]:
    found = list(adaptation.sides.checks.warnings)
    if len(adaptation.options.seed_list) > 1:
        found.append(f"The model that is kept is that of seed {adaptation.options.seed}.")
    if verdict.gain is not None and verdict.n_test < 100:
        found.append(f"Only {verdict.n_test} target rows are labelled for the evaluation, so the interval is wide.")
    sides = adaptation.sides
    if adaptation.options.target_labels == "evaluate" and len(sides.labelled) and not len(sides.tested):
        found.append(
            f"{len(sides.labelled)} target labels served to evaluate only; --target-labels learn lets a part of "
            "them teach as well."
        )
    return found
