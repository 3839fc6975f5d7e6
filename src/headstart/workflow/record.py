"""What run.json says, as docs/run.md documents it."""

from __future__ import annotations

import datetime
import platform
from importlib import metadata
from typing import Any

import numpy as np

from headstart import catalogue
from headstart.data import Checks
from headstart.problem import Carries
from headstart.workflow.describe import data_record, target_domain
from headstart.workflow.measuring import interval_of_arm
from headstart.workflow.plain import OVERLAP, PLAIN
from headstart.workflow.plan import Plan
from headstart.workflow.predictions import Predictions
from headstart.workflow.run import SCHEMA
from headstart.workflow.setting import classify
from headstart.workflow.verdict import Guard, Verdict, named
from headstart.workflow.workbench import Workbench

PACKAGES = ("headstart", "torch", "timm", "transformers", "peft", "accelerate", "scikit-learn", "numpy")


CARRIES: dict[str, Carries] = {"source": "parameters", "pooled": "instances"}


def run_record(
    bench: Workbench,
    plan: Plan,
    results: dict[str, list[dict[str, Any]]],
    predictions: Predictions,
    checks: Checks,
    shift: dict[str, Any] | None,
    verdict: Verdict,
    kept: Guard,
    command: list[str],
) -> dict[str, Any]:
    """Return run.json's content, as docs/run.md documents it."""
    task, source = bench.logic.task, bench.source
    carries = CARRIES.get(verdict.chosen) or catalogue.get(verdict.chosen.split("+")[0]).carries
    setting = classify(target_domain(bench.dataset), task, source.domain, source.task, carries)
    arms = {arm: _arm(bench, arm, parts, predictions, plan) for arm, parts in results.items()}
    stages = read_stages(bench)
    return {
        "schema": SCHEMA,
        "headstart": metadata.version("headstart"),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "verb": "fit",
        "command": command,
        "arguments": bench.options.to_json(),
        "seed": bench.options.seed,
        "seeds": bench.options.seed_list,
        "versions": versions(),
        "device": str(bench.device),
        "precision": bench.place.precision,
        "modality": bench.dataset.modality,
        "task": task.to_json(),
        "metric": task.metric,
        "source": {
            "spec": source.spec,
            "kind": source.kind,
            "title": source.title,
            "licence": source.licence,
            "paper": source.paper,
            "parameters": arms[verdict.chosen]["parameters"],
            "stages": stages,
        },
        "setting": setting.to_json(),
        "shift": shift,
        "data": data_record(bench.dataset, checks) | {"selection": selection(plan)},
        "plan": plan.to_json(),
        "chosen": verdict.chosen,
        "arms": arms,
        "baselines": _baselines(bench, predictions),
        "verdict": verdict.to_json(),
        "guard": kept.to_json(),
        "warnings": [
            *negative_transfer(verdict),
            *(reason for reason in plan.reasons if OVERLAP in reason),
            *_warnings(bench, checks, results, verdict),
        ],
    }


def read_stages(bench: Workbench) -> list[str]:
    return bench.network(pretrained=False, seed=0).stage_names


def selection(plan: Plan) -> str:
    return f"{plan.folds}-fold cross-validation" if plan.folds else "validation split"


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), "platform": platform.platform()} | {
        name: metadata.version(name) for name in PACKAGES
    }


def _arm(
    bench: Workbench, arm: str, parts: list[dict[str, Any]], predictions: Predictions, plan: Plan
) -> dict[str, Any]:
    title, papers = (
        (PLAIN[arm], []) if arm in PLAIN else (catalogue.get(arm.split("+")[0]).title, catalogue.papers(arm))
    )
    tests = [bench.logic.metrics(value, predictions.labels) for value in predictions.values[arm]]
    found = interval_of_arm(bench.logic, predictions.values[arm], predictions.labels, seed=bench.options.seed)
    last = parts[0]
    seeds = [
        {"seed": seed, "validation": part["validation"], "test": test, "seconds": part["seconds"]}
        for seed, part, test in zip(bench.options.seed_list, parts, tests, strict=True)
    ]
    return {
        "method": arm,
        "title": title,
        "papers": papers,
        "depth": len(read_stages(bench)) if arm == "scratch" else plan.depth if plan.epochs.get(arm) else 0,
        "validation": _mean([part["validation"] for part in parts]),
        "test": _mean(tests),
        "interval": list(found.bounds),
        "interval_kind": found.kind,
        "n_test": len(predictions.rows),
        "seconds": round(float(np.sum([part["seconds"] for part in parts])), 3),
        "epochs": last["epochs"],
        "steps": last["steps"],
        "most_steps": last["most_steps"],
        "trainable_parameters": last["trainable_parameters"],
        "parameters": last["parameters"],
        "frozen": last["frozen"],
        "stopped": last["stopped"],
        "settings": last["settings"],
        "refit": last.get("refit"),
        "seeds": seeds,
    }


def _mean(parts: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}


def _baselines(bench: Workbench, predictions: Predictions) -> dict[str, Any]:
    """Return what needs no features: always the largest training class, or the training mean."""
    train = bench.dataset.labels(bench.dataset.splits["train"])
    task = bench.logic.task
    if task.kind == "classification":
        constant = np.bincount(train, minlength=task.n_outputs) / len(train)
    else:
        constant = train.mean(axis=0)
    constant = np.tile(constant.astype(np.float64), (len(predictions.labels), 1))
    name = "majority" if task.kind == "classification" else "mean"
    return {name: bench.logic.metrics(constant, predictions.labels)}


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


def _warnings(
    bench: Workbench, checks: Checks, results: dict[str, list[dict[str, Any]]], verdict: Verdict
) -> list[str]:
    warnings = []
    if verdict.n_test < 100:
        warnings.append(f"The test split has only {verdict.n_test} samples, so the interval is wide.")
    leaks = checks.duplicates.get("n_across_splits", 0)
    if leaks:
        warnings.append(f"{leaks} groups of duplicates lie in more than one split: the test scores may be too good.")
    warnings += checks.warnings
    if checks.imbalance > 10:
        warnings.append(f"The largest class has {checks.imbalance:.0f} times the samples of the smallest.")
    for arm, parts in results.items():
        cut = [part for part in parts if part["stopped"] == "budget"]
        if cut:
            warnings.append(
                f"The budget cut {arm} short ({cut[0]['steps']} steps on all rows, of at most {cut[0]['most_steps']}): "
                "it is compared as it stands; give more with --budget."
            )
        if any(part["stopped"] == "interrupted" for part in parts):
            warnings.append(f"The arm {arm} was interrupted and is not fully trained.")
        warnings += sorted({f"{arm}: {note}" for part in parts for note in part["settings"].get("notes", [])})
    return warnings
