"""The end of the road: the test split is read once, the verdict and the guard speak, and the run is written."""

from __future__ import annotations

import datetime
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import headstart
from headstart import catalogue
from headstart.data import Checks
from headstart.functional.bootstrap import mean_interval
from headstart.networks import Network, save_network
from headstart.report.card import model_card
from headstart.report.evidence import collect
from headstart.report.html import write_report
from headstart.storage import save_tensors, write_json
from headstart.workflow.arms import load_arm
from headstart.workflow.describe import data_record, target_domain
from headstart.workflow.metrics import write_metrics
from headstart.workflow.plan import Plan
from headstart.workflow.predictions import Predictions, write_predictions
from headstart.workflow.run import SCHEMA, Run
from headstart.workflow.setting import classify
from headstart.workflow.verdict import Guard, Verdict, guard, judge
from headstart.workflow.workbench import Workbench

PACKAGES = ("headstart", "torch", "timm", "transformers", "peft", "accelerate", "scikit-learn", "numpy")


def conclude(
    bench: Workbench,
    plan: Plan,
    results: dict[str, list[dict[str, Any]]],
    folder: Path,
    *,
    checks: Checks,
    shift: dict[str, Any] | None,
    seconds: float,
) -> Run:
    """Judge the arms on the test split, choose what is handed back, and write the run; ``run.json`` comes last."""
    task = bench.logic.task
    predictions = _predict_test(bench, results, folder)
    verdict = _verdict(bench, plan, predictions)
    validation = {arm: float(np.mean([part["score"] for part in parts])) for arm, parts in results.items()}
    kept = guard(task, plan.method if plan.method in results else plan.arms[-1], validation)
    best_seed = _best_seed(results[kept.kept], bench.options.seed_list)
    network = load_arm(folder / "state" / kept.kept / f"seed-{best_seed}").to(bench.device)
    record = _record(bench, plan, results, predictions, checks, shift, verdict, kept)
    record["seconds"] = round(seconds, 2)
    write_metrics(folder / "metrics.jsonl", results)
    write_predictions(folder / "predictions.parquet", bench, predictions)
    save_network(network, bench.logic, folder / "model", card=model_card(record))
    _save_reference(bench, network, folder)
    test = bench.dataset.splits["test"]
    before = bench.network(pretrained=True, seed=bench.options.seed)
    index = bench.options.seed_list.index(best_seed)
    collect(
        folder,
        before=before,
        after=network,
        logic=bench.logic,
        dataset=bench.dataset,
        rows=test,
        predictions=predictions.values[kept.kept][index],
        seed=bench.options.seed,
    )
    write_json(folder / "run.json", record)
    write_report(folder)
    _tidy(folder, list(results))
    return Run(folder, record)


def _predict_test(bench: Workbench, results: dict[str, list[dict[str, Any]]], folder: Path) -> Predictions:
    rows = bench.dataset.splits["test"]
    values: dict[str, list[np.ndarray]] = {}
    for arm, parts in results.items():
        values[arm] = []
        for seed, part in zip(bench.options.seed_list, parts, strict=True):
            network = load_arm(folder / "state" / arm / f"seed-{seed}").to(bench.device)
            network.freeze(len(part["frozen"].get("stages", [])))
            values[arm].append(bench.predict(network, rows, cut=part["cut"]))
    return Predictions(rows, bench.dataset.labels(rows), bench.options.seed_list, values)


def _verdict(bench: Workbench, plan: Plan, predictions: Predictions) -> Verdict:
    scores = {
        arm: np.stack([bench.logic.scores(value, predictions.labels) for value in values])
        for arm, values in predictions.values.items()
    }
    chosen = plan.method if plan.method in scores else next(arm for arm in scores if arm != "scratch")
    return judge(bench.logic.task, chosen, scores[chosen], scores.get("scratch"), seed=bench.options.seed)


def _best_seed(parts: list[dict[str, Any]], seeds: list[int]) -> int:
    return seeds[int(np.argmax([part["score"] for part in parts]))]


def _record(
    bench: Workbench,
    plan: Plan,
    results: dict[str, list[dict[str, Any]]],
    predictions: Predictions,
    checks: Checks,
    shift: dict[str, Any] | None,
    verdict: Verdict,
    kept: Guard,
) -> dict[str, Any]:
    """Return run.json's content, as docs/run.md documents it."""
    task, source = bench.logic.task, bench.source
    carries = catalogue.get(verdict.chosen.split("+")[0]).carries
    setting = classify(target_domain(bench.dataset), task, source.domain, source.task, carries)
    arms = {arm: _arm(bench, arm, parts, predictions, plan) for arm, parts in results.items()}
    stages = read_stages(bench)
    return {
        "schema": SCHEMA,
        "headstart": headstart.__version__,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "verb": "fit",
        "command": [],
        "arguments": bench.options.to_json(),
        "seed": bench.options.seed,
        "seeds": bench.options.seed_list,
        "versions": versions(),
        "device": str(bench.device),
        "precision": bench.accelerator.mixed_precision,
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
        "warnings": _warnings(bench, checks, results, verdict),
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
    entry = catalogue.get(arm.split("+")[0])
    tests = [bench.logic.metrics(value, predictions.labels) for value in predictions.values[arm]]
    scores = np.stack([bench.logic.scores(value, predictions.labels) for value in predictions.values[arm]])
    low, high = mean_interval(scores, seed=bench.options.seed)
    sign = -1 if bench.logic.task.kind == "regression" else 1
    interval = sorted([sign * float(low), sign * float(high)])
    last = parts[0]
    seeds = [
        {"seed": seed, "validation": part["validation"], "test": test, "seconds": part["seconds"]}
        for seed, part, test in zip(bench.options.seed_list, parts, tests, strict=True)
    ]
    return {
        "method": arm,
        "title": entry.title,
        "papers": catalogue.papers(arm),
        "depth": len(read_stages(bench)) if arm == "scratch" else plan.depth if plan.epochs.get(arm) else 0,
        "validation": _mean([part["validation"] for part in parts]),
        "test": _mean(tests),
        "interval": interval,
        "seconds": round(float(np.sum([part["seconds"] for part in parts])), 3),
        "epochs": last["epochs"],
        "trainable_parameters": last["trainable_parameters"],
        "parameters": last["parameters"],
        "frozen": last["frozen"],
        "stopped": last["stopped"],
        "settings": last["settings"],
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


def _warnings(
    bench: Workbench, checks: Checks, results: dict[str, list[dict[str, Any]]], verdict: Verdict
) -> list[str]:
    warnings = []
    if verdict.kind == "negative":
        warnings.append("Negative transfer: this source makes the target's predictor worse than training from scratch.")
    if verdict.n_test < 100:
        warnings.append(f"The test split has only {verdict.n_test} samples, so the interval is wide.")
    leaks = len(checks.duplicates.get("across_splits", []))
    if leaks:
        warnings.append(f"{leaks} groups of duplicates lie in more than one split: the test scores may be too good.")
    if checks.imbalance > 10:
        warnings.append(f"The largest class has {checks.imbalance:.0f} times the samples of the smallest.")
    for arm, parts in results.items():
        if any(part["stopped"] == "interrupted" for part in parts):
            warnings.append(f"The arm {arm} was interrupted and is not fully trained.")
        if any(part["settings"].get("overfitting") for part in parts):
            warnings.append(f"The arm {arm} over-fits: its training loss falls while its validation loss rises.")
    return warnings


def _save_reference(bench: Workbench, network: Network, folder: Path) -> None:
    """Keep features of some training inputs, so that a later target can measure its distance from this run."""
    rng = np.random.default_rng(bench.options.seed)
    rows = np.sort(rng.permutation(bench.dataset.splits["train"])[:256])
    import torch

    features = torch.as_tensor(bench.features(network, rows))
    save_tensors(folder / "model" / "reference.safetensors", {"features": features})


def _tidy(folder: Path, arms: list[str]) -> None:
    """Drop the finished parts: the run no longer needs them."""
    for arm in arms:
        shutil.rmtree(folder / "state" / arm, ignore_errors=True)
