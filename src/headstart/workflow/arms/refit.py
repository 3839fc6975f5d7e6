"""After the choice: what is handed back is fitted again on training and validation rows, with what was found before."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.networks import load_network, save_network
from headstart.networks.network import Network
from headstart.schema import Flag, Record, read_checked
from headstart.storage import write_json
from headstart.workflow.arm import REFERENCE, arm_of, without_moves
from headstart.workflow.arms.one_fit import Fitted, Job, fit_once
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.planning.effort import MORE_EPOCHS, MORE_RATE, may_go_on
from headstart.workflow.planning.plan import Plan
from headstart.workflow.saved import RESULT

Results = dict[str, list[dict[str, Any]]]
REFIT = "refit"
AGAIN = Record({name: RESULT.needs[name] for name in ("seconds", "cut", "trainable_parameters", "frozen")})
"""What ``refit/result.json`` must hold."""


def refit_arms(bench: Workbench, plan: Plan, results: Results, kept: str, folder: Path) -> Results:
    """Fit the kept arm again on training and validation rows, and what it is compared with: scratch, every head, and
    beside a method that learns from moved inputs the same without.

    A baseline that had fewer rows would make the gain too large. Nothing is chosen: a head keeps its settings, a
    trained arm makes as many rounds as gave the best validation score or, where its network is large (`may_go_on`), a
    few more from the weights found, at a small rate; all trained arms alike. Where arms were compared by
    cross-validation they have seen every training row already.

    Returns
    -------
    the results, those of arms that were fitted again with ``refit``: rows, rounds and seconds.
    """
    if plan.folds or not len(bench.dataset.splits["validation"]):
        return results
    compared = {kept, REFERENCE, without_moves(kept), plan.method if arm_of(kept).half_labelled else kept}
    again = {arm for arm in results if arm in compared or not arm_of(arm).trains}
    if not _time_for(bench, plan, results, again, folder / "state" / "refit.json"):
        bench.progress.note(NO_TIME)
        return results
    more = _more(plan, {arm: results[arm] for arm in again if arm_of(arm).trains})
    return {
        arm: [
            _refit(bench, plan, arm, seed, part, more, folder / "state" / arm / f"seed-{seed}" / REFIT)
            if arm in again
            else part
            for seed, part in zip(bench.options.seed_list, parts, strict=True)
        ]
        for arm, parts in results.items()
    }


def _more(plan: Plan, trained: Results) -> float | None:
    """Return for how many rounds trained arms go on from what was found; None where they are trained anew."""
    goes_on = all(may_go_on(arm, part["parameters"]) for arm, parts in trained.items() for part in parts)
    return min(MORE_EPOCHS, plan.steps / plan.per_epoch) if trained and goes_on else None


NO_TIME = (
    "The budget left no time to fit again on training and validation rows: every arm stands as it was compared, with "
    "fewer labels; give more with --budget."
)


def _time_for(bench: Workbench, plan: Plan, results: Results, again: set[str], path: Path) -> bool:
    """Whether fitting these arms again fits into what is left; decided once, so that a resumed run does the same."""
    if bench.timetable is None:
        return True
    if bench.is_main and not path.exists():
        splits = bench.dataset.splits
        share = 1 + len(splits["validation"]) / max(1, len(splits["train"]))
        more = _more(plan, {arm: results[arm] for arm in again if arm_of(arm).trains})
        needed = sum(_seconds(plan, arm, part, share, more) for arm in again for part in results[arm])
        write_json(path, {"again": needed - plan.expected.get("features", 0.0) <= bench.timetable.left})
    bench.wait()
    return bool(read_checked(path, Record({"again": Flag()}))["again"])


def _seconds(plan: Plan, arm: str, part: dict[str, Any], share: float, more: float | None = None) -> float:
    """Return what fitting an arm again takes, by what it took before, with ``share`` times the training rows."""
    if not arm_of(arm).trains or not part["epochs"]:
        return float(part["seconds"])
    each = part["seconds"] / part["epochs"] / (1 + plan.again)
    return each * (part["rounds"] if more is None else more) * share


def _refit(
    bench: Workbench, plan: Plan, arm: str, seed: int, part: dict[str, Any], more: float | None, folder: Path
) -> dict[str, Any]:
    """Fit once more, into a folder of its own, so that a run that is stopped goes on from here."""
    if not (folder / "result.json").exists():
        began = time.perf_counter()
        rows = np.sort(np.concatenate([bench.dataset.splits[name] for name in ("train", "validation")]))
        more = more if arm_of(arm).trains else None
        fitted = _fit(bench, plan, Job(arm, seed, rows, rows[:0], folder), part, more)
        record = {
            "rows": len(rows),
            "rounds": part["rounds"] if more is None else more,
            "goes_on": more is not None,
            "rate": None if more is None else MORE_RATE,
            "stopped": fitted.stopped,
            "seconds": round(time.perf_counter() - began, 3),
            "cut": fitted.cut,
            "trainable_parameters": fitted.trainable,
            "frozen": fitted.frozen,
        }
        if bench.is_main:
            fitted.network.entry = 0
            save_network(fitted.network, bench.logic, folder / "model")
            write_json(folder / "result.json", record)
            (folder / "checkpoint.safetensors").unlink(missing_ok=True)
        bench.wait()
    found = read_checked(folder / "result.json", AGAIN)
    same = {name: found[name] for name in ("cut", "trainable_parameters", "frozen")}
    return part | same | {"seconds": part["seconds"] + found["seconds"], REFIT: found}


def _fit(bench: Workbench, plan: Plan, job: Job, part: dict[str, Any], more: float | None) -> Fitted:
    how = "fitted again" if more is None else "goes on"
    bench.progress.note(f"{job.label}: {how} on {len(job.rows)} training and validation rows")
    if not arm_of(job.arm).trains:
        return fit_once(bench, plan, replace(job, settings=part["settings"]))
    if more is None:
        again = replace(job, rounds=part["rounds"], part=REFIT, settings=part["settings"])
        return fit_once(bench, plan, again)
    return fit_once(bench, plan, replace(job, rounds=more, part=REFIT, start=job.folder.parent / "model"))


def load_arm(folder: Path, arm: str, seed: int) -> Network:
    """Return a finished arm's network: as fitted again, where it was."""
    first = folder / "state" / arm / f"seed-{seed}"
    again = first / REFIT
    return load_network((again if (again / "result.json").exists() else first) / "model")[0]
