"""One arm of a run: train it, and measure it on validation. The test split is not known here."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart.data import folds
from headstart.errors import UserError
from headstart.networks import Network, load_network, save_network
from headstart.storage import save_tensors, write_json
from headstart.workflow.arm import REFERENCE, arm_of
from headstart.workflow.arms.one_fit import SETTLED, Fitted, Job, fit_once, told
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.opening.target import draw_shots
from headstart.workflow.planning.costs import LEAST_WATCHED, watched_share
from headstart.workflow.planning.effort import LEAST_EPOCHS
from headstart.workflow.planning.plan import Plan
from headstart.workflow.saved import read_result


def run_arm(
    bench: Workbench, plan: Plan, arm: str, seed: int, folder: Path, *, compared: bool = True
) -> dict[str, Any]:
    """Train ``arm`` with ``seed`` and write its result and its network into ``folder``; done before: read it.

    Parameters
    ----------
    compared : whether the validation rows compare this arm with others, so that they may not say when it stops.

    Returns
    -------
    dict with ``validation`` metrics and ``score``, ``seconds``, ``epochs``, ``history``, ``frozen`` and sizes.
    """
    if (folder / "result.json").exists():
        return read_result(folder)
    start = time.perf_counter()
    train_rows, held_out = bench.dataset.splits["train"], bench.dataset.splits["validation"]
    if bench.options.shots is not None:
        train_rows = draw_shots(bench.dataset, bench.options.shots, seed)
    job = Job(arm, seed, train_rows, held_out, folder)
    if plan.folds:
        validation, score, fitted, records = _cross_validated(bench, plan, job)
    else:
        validation, score, fitted, records = _validated(bench, plan, job, compared=compared)
    result = _result(bench, fitted, validation, score) | {
        "seconds": round(time.perf_counter() - start, 3),
        "history": records + _tagged(fitted, job),
    }
    if bench.is_main:
        fitted.network.entry = 0
        save_network(fitted.network, bench.logic, folder / "model")
        write_json(folder / "result.json", result)
        (folder / "checkpoint.safetensors").unlink(missing_ok=True)
    bench.wait()
    return result


Scored = tuple[dict[str, float], float, Fitted, list[dict[str, Any]]]
"""Metrics and score on rows that nothing was chosen on, the fit, and records of learning curves before it."""


def _validated(bench: Workbench, plan: Plan, job: Job, *, compared: bool) -> Scored:
    """Score on the validation rows; where they compare arms, training rows set apart say when to stop."""
    if not compared:
        fitted = fit_once(bench, plan, job)
        return *_measure(bench, fitted, job.validation, job.folder), fitted, []
    fitted, search = fit_stopped(bench, plan, replace(job, validation=job.validation[:0]))
    validation, score = _measure(bench, fitted, job.validation, job.folder)
    if search is fitted:
        return validation, score, fitted, []
    fitted.rounds, fitted.stopped = search.rounds, search.stopped
    return validation, score, fitted, _tagged(search, job)


def _cross_validated(bench: Workbench, plan: Plan, job: Job) -> Scored:
    """Score out of fold, then fit on all rows for as long as was best in the folds."""
    validation, score, records, searches = _cross_validate(bench, plan, job)
    rounds = float(np.median([search.rounds for search in searches])) or None
    whole = replace(job, validation=job.validation[:0], rounds=rounds, settings=_agreed(searches))
    fitted = fit_once(bench, plan, whole)
    fitted.stopped = "budget" if "budget" in {search.stopped for search in searches} else fitted.stopped
    return validation, score, fitted, records


def _result(bench: Workbench, fitted: Fitted, validation: dict[str, float], score: float) -> dict[str, Any]:
    return {
        "validation": validation,
        "score": score,
        "cut": fitted.cut,
        "epochs": fitted.epochs,
        "steps": fitted.steps,
        "most_steps": fitted.planned,
        "trainable_parameters": fitted.trainable,
        "parameters": sum(p.numel() for p in fitted.network.parameters()),
        "frozen": fitted.frozen,
        "stopped": fitted.stopped,
        "settings": fitted.settings,
        "rounds": fitted.rounds,
    }


def _cross_validate(
    bench: Workbench, plan: Plan, job: Job
) -> tuple[dict[str, float], float, list[dict[str, Any]], list[Fitted]]:
    """Score out-of-fold predictions; when to stop is chosen on inner rows, never on the fold that is predicted.

    Returns
    -------
    metrics, score, records of the learning curves, and the fits that found when to stop.
    """
    predictions, rows, records, searches = [], [], [], []
    dataset = bench.dataset.with_splits(bench.dataset.splits | {"train": job.rows})
    for fold, (train_rows, held_out) in enumerate(folds(dataset, plan.folds, bench.options.seed)):
        part = replace(job, rows=train_rows, validation=held_out[:0], folder=job.folder / f"fold-{fold}", fold=fold)
        fitted, search = fit_stopped(bench, plan, part)
        predictions.append(bench.predict(fitted.network, held_out, cut=fitted.cut))
        rows.append(held_out)
        records += _tagged(search, part)
        searches.append(search)
    out_of_fold, labels = np.concatenate(predictions), bench.dataset.labels(np.concatenate(rows))
    keep_held_out(bench, job.folder, out_of_fold, np.concatenate(rows))
    score = bench.logic.score(out_of_fold, labels)
    return bench.logic.metrics(out_of_fold, labels), score, records, searches


def fit_stopped(bench: Workbench, plan: Plan, job: Job) -> tuple[Fitted, Fitted]:
    """Find on inner rows when to stop; where the plan says so, fit again on all rows for so long.

    Heads without gradients choose on folds of their own; where the rows are too few to spare any, all planned steps
    are made.

    Returns
    -------
    the fit to predict with, and the one that found when to stop.
    """
    inner = None if not arm_of(job.arm).trains else _inner(bench, plan, job)
    if inner is None:
        fitted = fit_once(bench, plan, job)
        return fitted, fitted
    rows, watched = inner
    part = replace(job, rows=rows, validation=watched, folder=job.folder / "search", part="search")
    search = fit_once(bench, plan, part)
    if len(watched) < ENOUGH_WATCHED:
        search.rounds = max(search.rounds, min(LEAST_EPOCHS, plan.steps / plan.per_epoch))
    again = replace(job, rounds=search.rounds, settings=search.settings)
    return fit_once(bench, plan, again) if plan.again else search, search


def _inner(bench: Workbench, plan: Plan, job: Job) -> tuple[np.ndarray, np.ndarray] | None:
    """Return rows to learn from and rows to watch, both of the job's own; None where they are too few."""
    dataset = bench.dataset.with_splits(bench.dataset.splits | {"train": job.rows})
    try:
        rows, watched = folds(dataset, watched_share(len(job.rows), plan.folds), bench.options.seed)[0]
    except (UserError, IndexError):
        return None
    return (rows, watched) if len(watched) >= LEAST_WATCHED and len(rows) > len(watched) else None


ENOUGH_WATCHED = 20
"""Inner rows below which stopping early proves nothing: a fit on all rows then makes ten epochs at least."""


def keep_held_out(bench: Workbench, folder: Path, predictions: np.ndarray, rows: np.ndarray) -> None:
    """Keep predictions of rows that the network had not learned from: they set its temperature."""
    if bench.is_main:
        held = {"predictions": torch.as_tensor(predictions), "rows": torch.as_tensor(rows)}
        save_tensors(folder / "held-out.safetensors", held)


def _measure(bench: Workbench, fitted: Fitted, rows: np.ndarray, folder: Path) -> tuple[dict[str, float], float]:
    if len(rows) == 0:
        return {}, 0.0
    predictions, labels = bench.predict(fitted.network, rows, cut=fitted.cut), bench.dataset.labels(rows)
    keep_held_out(bench, folder, predictions, rows)
    return bench.logic.metrics(predictions, labels), bench.logic.score(predictions, labels)


def _tagged(fitted: Fitted, job: Job) -> list[dict[str, Any]]:
    stage = "train from scratch" if job.arm == REFERENCE else "fine-tune"
    return [{"arm": job.arm, "seed": job.seed, "fold": job.fold, "stage": stage} | record for record in fitted.history]


def load_arm(folder: Path) -> Network:
    """Return the network of a finished arm."""
    network, _ = load_network(folder / "model")
    return network


def _agreed(searches: list[Fitted]) -> dict[str, Any] | None:
    """Return what the folds settled, one value for all: the middle one as they are ordered."""
    found = [search.settings[SETTLED] for search in searches if SETTLED in search.settings]
    if not found:
        return None
    return told({name: sorted(one[name] for one in found)[len(found) // 2] for name in found[0]})
