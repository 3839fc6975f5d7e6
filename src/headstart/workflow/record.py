"""What run.json says, as docs/run.md documents it; every key is written here, once."""

from __future__ import annotations

import datetime
import platform
from importlib import metadata
from typing import Any

import numpy as np

from headstart import catalogue
from headstart.choice.candidates import AT
from headstart.tasks import TaskLogic
from headstart.tasks.nothing import NoTask
from headstart.workflow.description import data_record
from headstart.workflow.field import Details
from headstart.workflow.judging.measuring import interval_of_arm
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Guard, Verdict, named
from headstart.workflow.opening.transfer import Transfer
from headstart.workflow.run import SCHEMA

PACKAGES = ("headstart", "torch", "timm", "transformers", "peft", "accelerate", "scikit-learn", "numpy")


def run_record(
    transfer: Transfer,
    logic: TaskLogic,
    plan: Any,
    verdict: Verdict | None,
    kept: Guard,
    details: Details,
    command: list[str],
) -> dict[str, Any]:
    """Return run.json's content; a run that compares nothing leaves out what only a comparison has."""
    options = transfer.options
    task = None if isinstance(logic, NoTask) else logic.task
    compared: dict[str, Any] = {}
    if verdict is not None:
        seed = options.seed if details.kept_seed is None else details.kept_seed
        compared = {
            "command": command,
            "device": details.device,
            "precision": details.precision,
            "shift": details.shift,
            "chosen": verdict.chosen,
            "baselines": details.baselines,
            "guard": kept.to_json() | {"seed": seed},
        }
    return {
        "schema": SCHEMA,
        "headstart": metadata.version("headstart"),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "verb": transfer.verb,
        "arguments": options.to_json(),
        "seconds": transfer.seconds,
        "seed": options.seed,
        "seeds": options.seed_list,
        "versions": versions(*details.versions),
        "modality": transfer.target.modality,
        "task": None if task is None else task.to_json(),
        "metric": "" if task is None else task.metric,
        "source": details.source,
        "setting": details.setting.to_json(),
        "data": data_record(transfer.target, transfer.checks) | details.data | {"selection": details.selection},
        "plan": plan.to_json(),
        "arms": details.arms,
        "verdict": None if verdict is None else verdict.to_json(),
        "warnings": [*([] if verdict is None else negative_transfer(verdict)), *details.warnings],
        **compared,
        **details.more,
    }


def versions(*more: str) -> dict[str, str]:
    """Return what computed: Python, the platform and packages."""
    return {"python": platform.python_version(), "platform": platform.platform()} | {
        name: metadata.version(name) for name in (*PACKAGES, *more)
    }


def arm_record(
    logic: TaskLogic,
    arm: str,
    predictions: Predictions,
    parts: list[dict[str, Any]],
    *,
    method: str,
    title: str,
    papers: list[str],
    seed: int,
) -> dict[str, Any]:
    """Return what every arm says: who it is, what it reached, how sure that is, and how long it took.

    Parameters
    ----------
    parts : one per seed that ran, with ``seconds`` and ``validation``.
    """
    record: dict[str, Any] = {
        "method": method,
        "title": title,
        "papers": papers,
        "validation": mean_of([part["validation"] for part in parts]),
        "test": {},
        "interval": None,
        "seconds": round(float(np.sum([part["seconds"] for part in parts])), 3),
        "seeds": [],
    }
    if not len(predictions.rows):
        return record
    tests = [logic.metrics(value, predictions.labels) for value in predictions.values[arm]]
    found = interval_of_arm(logic, predictions.values[arm], predictions.labels, seed=seed)
    record["test"] = mean_of(tests)
    record["interval"] = list(found.bounds)
    record["interval_kind"], record["n_test"] = found.kind, len(predictions.rows)
    record["seeds"] = [
        {"seed": number, "validation": part["validation"], "test": test, "seconds": part["seconds"]}
        for number, part, test in zip(predictions.seeds, parts, tests, strict=False)
    ]
    return record


def mean_of(parts: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each metric over seeds."""
    return {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}


def constant_baseline(logic: TaskLogic, labels: np.ndarray, predictions: Predictions) -> dict[str, Any]:
    """Return what needs no features: always the largest class of ``labels``, or their mean."""
    if not len(predictions.rows):
        return {}
    name, constant = logic.constant(labels, len(predictions.rows))
    return {name: logic.metrics(constant, predictions.labels)}


def title_of(arm: str, titles: dict[str, str]) -> str:
    """Return an arm's title: of a table of those that are no method, or the catalogue's."""
    name, _, depth = arm.partition(AT)
    base = name.split("+")[0]
    title = titles.get(name) or (catalogue.get(base).title if base in catalogue.names() else arm)
    return f"{title}, {stages_in_words(depth)} trained" if depth and title != arm else title


def stages_in_words(depth: int | str) -> str:
    """Return how many last stages of a network are meant.

    Examples
    --------
    >>> stages_in_words(1), stages_in_words("3")
    ('last stage', 'last 3 stages')
    """
    return "last stage" if str(depth) == "1" else f"last {depth} stages"


def negative_transfer(verdict: Verdict) -> list[str]:
    """Say where the planned arm, or the one handed back, is measurably worse than the baseline."""
    said, baseline = [], named(verdict.baseline)
    if verdict.planned is not None and verdict.planned.kind == "negative":
        size = verdict.planned.size(verdict.metric)
        said.append(
            f"Negative transfer: the planned {verdict.chosen} is worse than {baseline}, by {size}; {verdict.arm} is "
            "handed back instead."
        )
    if verdict.kind == "negative":
        what = "Negative transfer" if verdict.transfers else "A worse model"
        said.append(
            f"{what}: {verdict.arm}, which is handed back, is worse than {baseline}; the choice did not see it."
        )
    return said
