"""One training: a head without gradients on frozen features, a plain model, or a method in the loop."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart import catalogue
from headstart.deep.method import Method, Score
from headstart.engine import Compute, Optimizer, Saving, Selection, freeze_table, train
from headstart.engine.settings import Limit
from headstart.engine.streams import BatchStream
from headstart.networks import Network, load_network
from headstart.schema import read_checked
from headstart.shallow.heads.labels import balance
from headstart.storage import checksum, write_json
from headstart.workflow.arm import arm_of
from headstart.workflow.arms.beside import BODY_RATE, half_labelled
from headstart.workflow.arms.continuing import continued, former, stream_of
from headstart.workflow.arms.heads import fit_head, fit_probe
from headstart.workflow.arms.names import fit_names, reads_names
from headstart.workflow.arms.plain import fit_plain
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.planning.effort import MORE_RATE, fit_name
from headstart.workflow.planning.plan import Plan
from headstart.workflow.saved import CUT


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


WEIGHT_DECAY, WEIGHT_DECAY_NAME = 1e-2, "weight_decay"


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
    network, probed = _begun(bench, plan, job, method)
    frozen = method.frozen_stages(network)
    cut = min(frozen, network.last_carry)  # a head that reads an earlier stage's map must find it
    first = len(job.validation) > 0 and not job.fold and job.seed == bench.options.seed
    if first:
        _show_stages(bench, job.arm, network.freeze(frozen))
    weights = balance(bench.dataset.labels(job.rows)) if bench.options.balanced else None
    settings = {"batch_size": plan.batch_size, "seed": job.seed, "views": plan.views, "weights": weights}
    stream = stream_of(bench, job.arm, network, cut, job.rows, **settings)
    every = stream.steps_per_epoch
    evaluate = None
    if len(job.validation):
        entry = network.entry
        evaluate = bench.evaluator(network, job.validation, cut=entry)
        if network.entry != entry:  # states of the one are kept, of the other not
            stream = stream_of(bench, job.arm, network, 0, job.rows, **settings)
            evaluate = bench.evaluator(network, job.validation, cut=0)
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
        trained.settings | {"notes": trained.notes} | probed | told(settled or _settled(job)),
    )


PROBED = "probe"
"""Under which the settings of a fit hold what the probe chose that it started from."""
SETTLED = "settled"
"""Under which the settings of a fit hold what `Method.chosen` settled."""


def _settled(job: Job) -> dict[str, Any]:
    """Return what an earlier fit of the arm settled on rows that this one has not."""
    return dict((job.settings or {}).get(SETTLED) or {})


def told(settled: dict[str, Any]) -> dict[str, Any]:
    return {SETTLED: settled} if settled else {}


def _by(evaluate: Any) -> Score:
    def score(network: Network) -> tuple[float, float]:
        found = evaluate(network)
        return found["score"], -found["loss"]

    return score


def _begun(bench: Workbench, plan: Plan, job: Job, method: Method) -> tuple[Network, dict[str, Any]]:
    """Return what training begins with: an earlier fit of the arm, the source's weights or random ones.

    Beside it what the probe chose that it starts from, or the head of names, under `PROBED`; a fit of more rows keeps
    what its search chose.
    """
    if job.start is not None:
        return load_network(job.start)[0].to(bench.device), {}
    network = bench.network(pretrained=method.from_source, seed=job.seed)
    if arm_of(job.arm).former_head:
        return former(bench, network, job.arm), {}
    if arm_of(job.arm).continues:
        return continued(bench, job.arm, network, len(job.rows)), {}
    if method.starts_from_probe or arm_of(job.arm).half_labelled:
        chosen = (job.settings or {}).get(PROBED)
        if method.starts_from_probe and reads_names(bench):
            return network, {PROBED: fit_names(bench, network, job.rows, chosen)}
        return network, {PROBED: fit_probe(bench, network, job.rows, plan.views, settings=chosen)}
    return network, {}


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
