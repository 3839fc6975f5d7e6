"""The end of the road: the test split is read once, the verdict and the guard speak, and the run is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart.data import Checks
from headstart.networks import Network, save_network
from headstart.report.card import model_card
from headstart.report.evidence import collect
from headstart.storage import save_tensors
from headstart.tasks import TaskLogic
from headstart.workflow.calibrate import calibrated, calibration_record, steepness_of
from headstart.workflow.fingerprint import read_arguments
from headstart.workflow.finish import finish
from headstart.workflow.measuring import measures_of
from headstart.workflow.metrics import write_metrics
from headstart.workflow.plain import RIVALS
from headstart.workflow.plan import Plan
from headstart.workflow.predictions import Predictions, write_predictions
from headstart.workflow.record import run_record
from headstart.workflow.refit import load_arm
from headstart.workflow.run import Run
from headstart.workflow.trained_rows import save_rows, used_rows
from headstart.workflow.verdict import WITHOUT_SOURCE, Guard, guard, judge_kept
from headstart.workflow.workbench import Workbench


def conclude(
    bench: Workbench,
    plan: Plan,
    results: dict[str, list[dict[str, Any]]],
    kept: Guard,
    folder: Path,
    *,
    checks: Checks,
    shift: dict[str, Any] | None,
    seconds: float,
) -> Run:
    """Judge the arms on the test split, choose what is handed back, and write the run; ``run.json`` comes last."""
    bench.alone = True
    task = bench.logic.task
    found = [steepness_of(bench, folder, kept.kept, seed) for seed in bench.options.seed_list]
    predictions = _predict_test(bench, results, folder, {kept.kept: [steepness for steepness, _ in found]})
    planned, validation = planned_of(plan, results), validation_of(results)
    scores, simple = scores_of(bench.logic, predictions), {arm: validation[arm] for arm in results if arm in RIVALS}
    measures = measures_of(bench.logic, predictions.values, predictions.labels)
    verdict = judge_kept(
        task, scores, kept=kept.kept, planned=planned, simple=simple, measures=measures, seed=bench.options.seed
    )
    best_seed = _best_seed(results[kept.kept], bench.options.seed_list)
    index = bench.options.seed_list.index(best_seed)
    network = calibrated(load_arm(folder, kept.kept, best_seed).to(bench.device), found[index][0])
    record = run_record(bench, plan, results, predictions, checks, shift, verdict, kept, command_of(folder))
    record["seconds"] = round(seconds, 2)
    record["guard"]["seed"] = best_seed
    record["calibration"] = calibration_record(
        bench, predictions.values[kept.kept][index], predictions.labels, *found[index]
    )
    write_metrics(folder / "metrics.jsonl", results)
    write_predictions(folder / "predictions.parquet", bench, predictions)
    save_network(network, bench.logic, folder / "model", card=model_card(record))
    save_reference(bench, network, folder)
    save_rows(folder, used_rows(bench.dataset))
    test = bench.dataset.splits["test"]
    before = bench.network(pretrained=True, seed=bench.options.seed)
    collect(
        folder,
        before=before,
        after=network,
        logic=bench.logic,
        dataset=bench.dataset,
        rows=test,
        predictions=predictions.values[kept.kept][index],
        seed=bench.options.seed,
        encode=bench.features,
    )
    return finish(folder, record)


def command_of(folder: Path) -> list[str]:
    """Return the command line that began a run; nothing for one begun from Python."""
    return read_arguments(folder / "state" / "arguments.json").get("command", [])


def planned_of(plan: Plan, results: dict[str, list[dict[str, Any]]]) -> str:
    """Return the arm that stands for the plan: its method, or the first that uses the source."""
    return plan.method if plan.method in results else next(arm for arm in results if arm not in WITHOUT_SOURCE)


def validation_of(results: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    """Return each arm's validation score, mean over seeds."""
    return {arm: float(np.mean([part["score"] for part in parts])) for arm, parts in results.items()}


def choose_kept(bench: Workbench, plan: Plan, results: dict[str, list[dict[str, Any]]]) -> Guard:
    """Return the guard's choice; validation alone decides."""
    return guard(bench.logic.task, planned_of(plan, results), validation_of(results))


def _predict_test(
    bench: Workbench,
    results: dict[str, list[dict[str, Any]]],
    folder: Path,
    steepness: dict[str, list[float]],
) -> Predictions:
    """Predict the test split by every arm and seed; those that may be handed back as they would be, calibrated."""
    rows = bench.dataset.splits["test"]
    values: dict[str, list[np.ndarray]] = {}
    for arm, parts in results.items():
        values[arm] = []
        steep = steepness.get(arm, [1.0] * len(parts))
        for seed, part, factor in zip(bench.options.seed_list, parts, steep, strict=True):
            network = calibrated(load_arm(folder, arm, seed).to(bench.device), factor)
            network.freeze(len(part["frozen"].get("stages", [])))
            values[arm].append(bench.predict(network, rows, cut=part["cut"]))
    return Predictions(rows, bench.dataset.labels(rows), bench.options.seed_list, values)


def scores_of(logic: TaskLogic, predictions: Predictions) -> dict[str, np.ndarray]:
    """Return every arm's scores [seeds, n_test], higher is better."""
    return {
        arm: np.stack([logic.scores(value, predictions.labels) for value in values])
        for arm, values in predictions.values.items()
    }


def _best_seed(parts: list[dict[str, Any]], seeds: list[int]) -> int:
    return seeds[int(np.argmax([part["score"] for part in parts]))]


def save_reference(bench: Workbench, network: Network, folder: Path) -> None:
    """Keep features of some training inputs, so that a later target can measure its distance from this run."""
    rng = np.random.default_rng(bench.options.seed)
    rows = np.sort(rng.permutation(bench.dataset.splits["train"])[:256])
    features = torch.as_tensor(bench.features(network, rows))
    save_tensors(folder / "model" / "reference.safetensors", {"features": features})
