"""What run.json says of arms that learn from a source network."""

from __future__ import annotations

from typing import Any

from headstart.data import Checks
from headstart.functional.temperature import Temperature
from headstart.workflow.arm import REFERENCE, arm_of
from headstart.workflow.arms.plain import OVERLAP
from headstart.workflow.arms.refit import NO_TIME, REFIT
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.description import target_domain
from headstart.workflow.field import Details
from headstart.workflow.judging.calibrate import calibration_record
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Verdict
from headstart.workflow.planning.plan import Plan
from headstart.workflow.record import arm_record, constant_baseline
from headstart.workflow.setting import classify

COUNTED = ("epochs", "steps", "most_steps", "trainable_parameters", "parameters", "frozen", "stopped", "settings")
"""What an arm's result says that its record repeats, of the first seed."""
Results = dict[str, list[dict[str, Any]]]


def network_details(
    bench: Workbench,
    plan: Plan,
    results: Results,
    predictions: Predictions,
    verdict: Verdict,
    checks: Checks,
    shift: dict[str, Any] | None,
    index: int,
    kept: str,
    temperature: Temperature,
    more: dict[str, Any],
) -> Details:
    """Return what ``run.json`` says of a field of networks; ``index`` is the seed whose model is handed back."""
    task, source = bench.logic.task, bench.source
    stages = bench.network(pretrained=False, seed=0).stage_names
    arms = {arm: _arm(bench, arm, parts, predictions, plan, len(stages)) for arm, parts in results.items()}
    train = bench.dataset.labels(bench.dataset.splits["train"])
    answers = predictions.values[kept][index]
    calibration = calibration_record(temperature, answers, predictions.labels, task.label_space.link)
    return Details(
        source=source_record(bench)
        | {"paper": source.paper, "parameters": arms[verdict.chosen]["parameters"], "stages": stages},
        setting=classify(
            target_domain(bench.dataset), task, source.domain, source.task, arm_of(verdict.chosen).carries
        ),
        selection=selection(plan),
        arms=arms,
        shift=shift,
        baselines=constant_baseline(bench.logic, train, predictions),
        warnings=[
            *(reason for reason in plan.reasons if OVERLAP in reason),
            *_warnings(checks, results, verdict, plan),
            *refit_warnings(bench, plan, results, kept),
        ],
        device=str(bench.device),
        precision=bench.place.precision,
        kept_seed=bench.options.seed_list[index],
        more={"calibration": calibration, **more},
    )


def source_record(bench: Workbench) -> dict[str, Any]:
    """Return what is said of a source network."""
    source = bench.source
    return {"spec": source.spec, "kind": source.kind, "title": source.title, "licence": source.licence}


def selection(plan: Plan) -> str:
    """Say what arms are compared by."""
    if plan.crossed:
        return f"pictures that each of {plan.folds} folds set aside"
    return f"{plan.folds}-fold cross-validation" if plan.folds else "validation split"


def _arm(
    bench: Workbench, arm: str, parts: list[dict[str, Any]], predictions: Predictions, plan: Plan, n_stages: int
) -> dict[str, Any]:
    facts = arm_of(arm)
    record = arm_record(
        bench.logic,
        arm,
        predictions,
        parts,
        method=arm,
        title=facts.title,
        papers=list(facts.papers),
        seed=bench.options.seed,
    )
    depth = n_stages if arm == REFERENCE else plan.depth if plan.epochs.get(arm) else 0
    return record | {"depth": depth, "refit": parts[0].get("refit")} | {name: parts[0][name] for name in COUNTED}


def refit_warnings(bench: Workbench, plan: Plan, results: Results, kept: str) -> list[str]:
    """Say where the budget left no time to fit again, or cut such a fit."""
    if plan.folds or not len(bench.dataset.splits["validation"]):
        return []
    if any(part.get(REFIT) is None for part in results[kept]):
        return [NO_TIME]
    again = {arm: [part.get(REFIT) or {} for part in parts] for arm, parts in results.items()}
    cut = [arm for arm, parts in again.items() if any(part.get("stopped") == "budget" for part in parts)]
    return [f"The budget cut {arm} short when it was fitted again with the validation rows." for arm in cut]


def cut_short(arm: str, steps: int, most: int) -> str:
    """Say what the budget cut: the training, or only the folds that were to say when it stops."""
    if steps < most:
        return (
            f"The budget cut {arm} short ({steps} steps on all rows, of at most {most}): it is compared as it stands; "
            "give more with --budget."
        )
    return (
        f"The budget cut folds of {arm} short, which say when to stop; on all rows it took all of {most} steps. Give "
        "more with --budget to be surer of it."
    )


def _warnings(checks: Checks, results: Results, verdict: Verdict, plan: Plan) -> list[str]:
    warnings = []
    if plan.crossed:
        warnings.append(
            f"Each of {verdict.n_test} pictures was judged once, by one of {plan.folds} models that never saw it. The "
            "model that is handed back is none of these: it learned from all the pictures, as they did from parts. "
            "The interval counts the pictures, not that other parts would have given other models."
        )
    elif verdict.n_test < 100:
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
            warnings.append(cut_short(arm, cut[0]["steps"], cut[0]["most_steps"]))
        if any(part["stopped"] == "interrupted" for part in parts):
            warnings.append(f"The arm {arm} was interrupted and is not fully trained.")
        warnings += sorted({f"{arm}: {note}" for part in parts for note in part["settings"].get("notes", [])})
    return warnings
