"""One arm of a run: train it, and measure it on validation. The test split is not known here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart import catalogue
from headstart.data import folds
from headstart.deep.method import Method, Score
from headstart.engine import Compute, Optimizer, Saving, Selection, freeze_table, train
from headstart.engine.settings import Limit
from headstart.engine.streams import BatchStream
from headstart.errors import UserError
from headstart.networks import Network, load_network, save_network
from headstart.schema import read_checked
from headstart.shallow.heads.labels import balance
from headstart.storage import checksum, save_tensors, write_json
from headstart.workflow.arm import REFERENCE, arm_of
from headstart.workflow.arms.beside import BODY_RATE, half_labelled
from headstart.workflow.arms.continuing import continued, former, stream_of
from headstart.workflow.arms.heads import fit_head, fit_probe
from headstart.workflow.arms.plain import fit_plain
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.opening.target import draw_shots
from headstart.workflow.planning.costs import LEAST_WATCHED, watched_share
from headstart.workflow.planning.effort import LEAST_EPOCHS, MORE_RATE, fit_name
from headstart.workflow.planning.plan import Plan
from headstart.workflow.saved import CUT, read_result


@dataclass
class Fitted:
    """A trained network, where its batches entered, and what is worth recording.

    Attributes
    ----------
    epochs : rounds made. rounds : those after which validation was best, with a fraction; all without validation.
    steps, planned : steps of the optimiser made, and at most.
    """

    network: Network
    cut: int
    epochs: int = 0
    rounds: float = 0.0
    steps: int = 0
    planned: int = 0
    trainable: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    frozen: dict[str, Any] = field(default_factory=dict)
    stopped: str = "finished"
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One training: which arm, on which rows, stopped by which rows.

    Attributes
    ----------
    rounds : epochs, with a fraction, after which it is to stop; None: as planned, or when ``validation`` says.
    part : what this fit is for, where a fold has several. settings : of an earlier fit.
    start : folder of a network that this arm left, to go on from for ``rounds`` at a small rate.
    """

    arm: str
    seed: int
    rows: np.ndarray
    validation: np.ndarray
    folder: Path
    fold: int | None = None
    settings: dict[str, Any] | None = None
    rounds: float | None = None
    part: str = ""
    start: Path | None = None

    @property
    def label(self) -> str:
        fold = "" if self.fold is None else f", fold {self.fold + 1}"
        part = {"search": ", when to stop"}.get(self.part, f", {self.part}" if self.part else "")
        return f"{self.arm} (seed {self.seed}{fold}{part})"

    @property
    def name(self) -> str:
        """Its name in the plan's timetable."""
        return fit_name(self.arm, self.seed, self.fold, self.part)


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


WEIGHT_DECAY, WEIGHT_DECAY_NAME = 1e-2, "weight_decay"
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


def fit_once(bench: Workbench, plan: Plan, job: Job) -> Fitted:
    """Train once: a head on frozen features without gradients, or a method in the loop."""
    arm = arm_of(job.arm)
    if arm.plain:
        return _fit_plain(bench, job)
    if not arm.trains:
        return _fit_head(bench, plan, job)
    method = _method(plan, job.arm)
    settled = _settled(job)
    return _fit_in_loop(bench, plan, job, replace(method, **settled) if settled else method)


def _fit_head(bench: Workbench, plan: Plan, job: Job) -> Fitted:
    network = bench.network(pretrained=True, seed=job.seed)
    network.freeze(len(network.stages))
    before = checksum(network.frozen_tensors())
    bench.progress.note(f"{job.label}: train the head on frozen features")
    settings = fit_head(bench, network, job.arm, job.rows, bench.options.views or 1, job.settings)
    if checksum(network.frozen_tensors()) != before:
        raise RuntimeError(f"{job.arm} moved tensors that are frozen; this is a fault.")
    frozen = {"stages": network.stage_names, "hash": before, "unchanged": True}
    learned = sum(tensor.numel() for tensor in network.head.state_dict().values())
    return Fitted(
        network, 0 if network.taps else len(network.stages), trainable=learned, frozen=frozen, settings=settings
    )


def _fit_plain(bench: Workbench, job: Job) -> Fitted:
    title = arm_of(job.arm).title
    bench.progress.note(f"{job.label}: {title[0].lower()}{title[1:]}")
    network, settings = fit_plain(bench, job.arm, job.rows, job.seed, job.settings)
    network.freeze(len(network.stages))
    frozen = {"stages": network.stage_names, "hash": checksum(network.frozen_tensors()), "unchanged": True}
    head = network.head.state_dict().values()
    learned = sum(tensor.numel() for tensor in head) if arm_of(job.arm).learns else 0
    return Fitted(network, 0, trainable=learned, frozen=frozen, settings=settings)


def _method(plan: Plan, arm: str) -> Method:
    found = {name: value for name, value in plan.settings.items() if name != WEIGHT_DECAY_NAME}
    options = found if arm == plan.method else {}
    if arm_of(arm).half_labelled:
        options = {"body_rate": BODY_RATE} | options
    return catalogue.create(arm, depth=None if arm_of(arm).every_stage else plan.depth, options=options)


def _decay(plan: Plan, arm: str, method: Method) -> float:
    """Return the optimizer's weight decay: the usual, what a race found for this arm, or none where a penalty is it."""
    found = plan.settings.get(WEIGHT_DECAY_NAME, WEIGHT_DECAY) if arm == plan.method else WEIGHT_DECAY
    return float(found) if method.decays else 0.0


def _fit_in_loop(bench: Workbench, plan: Plan, job: Job, method: Method) -> Fitted:
    network = _begun(bench, plan, job, method)
    frozen = method.frozen_stages(network)
    cut = min(frozen, network.last_carry)  # a head that reads an earlier stage's map must find it
    first = len(job.validation) > 0 and not job.fold and job.seed == bench.options.seed
    if first:
        _show_stages(bench, job.arm, network.freeze(frozen))
    weights = balance(bench.dataset.labels(job.rows)) if bench.options.balanced else None
    settings = {"batch_size": plan.batch_size, "seed": job.seed, "views": plan.views, "weights": weights}
    stream = stream_of(bench, job.arm, network, cut, job.rows, **settings)
    every = stream.steps_per_epoch
    evaluate = bench.evaluator(network, job.validation, cut=cut) if len(job.validation) else None
    per_epoch = len(stream) / stream.batch_size
    rounds = plan.steps / plan.per_epoch if job.start is None or job.rounds is None else job.rounds
    steps = max(1, round(rounds * per_epoch))
    batches = stream if not arm_of(job.arm).half_labelled else half_labelled(bench, network, stream, method, cut)
    rate = plan.learning_rate[job.arm] * (1.0 if job.start is None else MORE_RATE)
    limit = _limit(bench, job, stream)
    bench.progress.stage(job.label, limit.end(steps), watch=first)
    trained = train(
        method,
        network,
        batches,
        task=bench.logic,
        steps=steps,
        seed=job.seed,
        optimizer=Optimizer(rate, weight_decay=_decay(plan, job.arm, method)),
        selection=Selection(evaluate, every, patience=plan.patience if evaluate else None),
        checkpoint=Saving(job.folder / "checkpoint.safetensors"),
        compute=Compute(bench.device, bench.place.precision, bench.processes),
        limit=limit,
        on_step=bench.progress.step,
    )
    if trained.stopped == "interrupted":
        raise KeyboardInterrupt
    epochs = max(1, round(trained.steps / per_epoch))
    settled = {} if evaluate is None or trained.nets is None else method.chosen(trained.nets, _by(evaluate))
    kept = trained.network
    if settled and trained.nets is not None:
        kept = replace(method, **settled).finish(trained.nets)
    return Fitted(
        kept,
        cut,
        epochs,
        trained.best_step / per_epoch,
        trained.steps,
        steps,
        trained.settings["trainable_parameters"],
        trained.history,
        trained.frozen,
        trained.stopped,
        trained.settings | {"notes": trained.notes} | _told(settled or _settled(job)),
    )


SETTLED = "settled"
"""Under which the settings of a fit hold what `Method.chosen` settled."""


def _settled(job: Job) -> dict[str, Any]:
    """Return what an earlier fit of the arm settled on rows that this one has not."""
    return dict((job.settings or {}).get(SETTLED) or {})


def _told(settled: dict[str, Any]) -> dict[str, Any]:
    return {SETTLED: settled} if settled else {}


def _agreed(searches: list[Fitted]) -> dict[str, Any] | None:
    """Return what the folds settled, one value for all: the middle one as they are ordered."""
    found = [search.settings[SETTLED] for search in searches if SETTLED in search.settings]
    if not found:
        return None
    return _told({name: sorted(one[name] for one in found)[len(found) // 2] for name in found[0]})


def _by(evaluate: Any) -> Score:
    def score(network: Network) -> tuple[float, float]:
        found = evaluate(network)
        return found["score"], -found["loss"]

    return score


def _begun(bench: Workbench, plan: Plan, job: Job, method: Method) -> Network:
    """Return what training begins with: an earlier fit of the arm, the source's weights or random ones."""
    if job.start is not None:
        return load_network(job.start)[0].to(bench.device)
    network = bench.network(pretrained=method.from_source, seed=job.seed)
    if arm_of(job.arm).former_head:
        return former(bench, network, job.arm)
    if arm_of(job.arm).continues:
        return continued(bench, job.arm, network, len(job.rows))
    if method.starts_from_probe or arm_of(job.arm).half_labelled:
        fit_probe(bench, network, job.rows, plan.views)
    return network


def _limit(bench: Workbench, job: Job, stream: BatchStream) -> Limit:
    """Return where a fit ends: after the rounds that were chosen, or at the clock, whose cut is kept for a resume."""
    path = job.folder / "cut.json"
    stop = None if job.rounds is None else max(1, round(job.rounds * len(stream) / stream.batch_size))
    cut = read_checked(path, CUT)["step"] if path.exists() else None
    bench.wait()
    if bench.timetable is None:
        return Limit(stop=stop, cut=cut)

    def keep(step: int) -> None:
        write_json(path, {"step": step})

    return Limit(stop, cut, bench.timetable.share(job.name), bench.timetable.clock, keep)


def _show_stages(bench: Workbench, arm: str, network: Network) -> None:
    """Say what stands still and what learns, stage by stage, before the first step."""
    bench.progress.detail(f"{arm} on {bench.place.device}, precision {bench.place.precision}:")
    for row in freeze_table(network):
        norm = "" if row["norm"] == "none" else f", normalisation {row['norm']}"
        bench.progress.detail(f"  {row['stage']:<12} {row['state']:<10} {row['parameters']:>12,} parameters{norm}")


def load_arm(folder: Path) -> Network:
    """Return the network of a finished arm."""
    network, _ = load_network(folder / "model")
    return network
