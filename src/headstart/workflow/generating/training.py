"""One training of a generator: from random weights, or from a run's."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from headstart import catalogue
from headstart.data import Dataset
from headstart.engine import Compute, Optimizer, Saving, Stream, Trained, train
from headstart.engine.device import find_place
from headstart.networks import Network, Source
from headstart.tasks.generating import GeneratingTask
from headstart.workflow.options import FitOptions, seconds_of
from headstart.workflow.self_supervised.training import RESERVE, Plan, fetch_of, limit_of, make_plan

METHOD = "dcgan"
SCRATCH = "scratch"
CARRIED: dict[str, dict[str, Any]] = {"all": {}, "freezed": {"frozen": 1}, "scale_shift": {"scales_only": True}}
"""Ways of going on from a run: everything learns; the discriminator's first stage stands still; of the generator only
scales and shifts learn."""
TITLES = {
    SCRATCH: "A generator from random weights",
    "all": "The run's generator, all of it learns",
    "freezed": "FreezeD: the discriminator's first stage stands still",
    "scale_shift": "Scales and shifts of the run's generator alone",
}
VISITS, MOST_EPOCHS, RATE = 60_000, 1000, 5e-4


@dataclass(frozen=True)
class Drawn:
    """One arm: a network, its generator and critic, how it went, and how long it took."""

    network: Network
    generator: Any
    critic: Any
    trained: Trained
    seconds: float


def plan_drawing(dataset: Dataset, options: FitOptions, arms: tuple[str, ...]) -> Plan:
    """Return how long every arm is trained: 60,000 pictures seen, at most 1,000 epochs."""
    n = len(dataset.splits["train"])
    usual = int(min(MOST_EPOCHS, max(5, VISITS // n)))
    plan = make_plan(
        dataset, replace(options, epochs=options.epochs or usual, learning_rate=options.learning_rate or RATE)
    )
    held = {name: len(dataset.splits[name]) for name in ("validation", "test")}
    carried = (
        f"goes on from {options.source}, in {len(arms) - 1} ways, beside one from random weights"
        if len(arms) > 1
        else ""
    )
    reasons = (
        f"DCGAN: no label is read; the generator {carried or 'begins from random weights'}.",
        f"{n:,} pictures are learned from in {plan.epochs} epochs of {math.ceil(n / plan.batch_size)} steps by each "
        f"arm, or until its share of the budget of {options.budget} ends.",
        f"{held['validation']:,} pictures choose and {held['test']:,} judge.",
    )
    return replace(plan, reasons=reasons)


def learn_arm(
    arm: str,
    dataset: Dataset,
    source: Source,
    start: tuple[Any, Any] | None,
    plan: Plan,
    options: FitOptions,
    state: Path,
    progress: Any,
    processes: Any,
    share: float,
    most: int | None = None,
) -> Drawn:
    """Train one arm; a training that was stopped goes on from its checkpoint with the same bits.

    Parameters
    ----------
    start : the run's generator and critic; None where nothing is carried over. share : of the budget. most : steps that
        an arm before it made, so that a slow machine's clock gives none more than another; None: as planned.
    """
    began, carried = time.perf_counter(), arm != SCRATCH
    place, rows = find_place(processes, options.device, options.precision), dataset.splits["train"]
    network = source.build(pretrained=carried, seed=options.seed).to(place.device)
    spec = {} if start is None else {name: start[0].spec[name] for name in ("noise", "width")}
    method = catalogue.create(METHOD, None, spec | CARRIED.get(arm, {}))
    task = GeneratingTask(*start) if carried and start is not None else GeneratingTask()
    fetch = fetch_of(dataset, rows, network, 1, options.seed)
    stream = Stream(fetch, n=len(rows), batch_size=plan.batch_size, seed=options.seed, names=dataset.names(rows))
    steps = plan.epochs * stream.steps_per_epoch
    progress.stage(arm, steps)
    trained = train(
        method,
        network,
        stream,
        task=task,
        steps=steps,
        seed=options.seed,
        optimizer=Optimizer(plan.learning_rate),
        checkpoint=Saving(state / "checkpoint.safetensors"),
        compute=Compute(place.device, place.precision, processes),
        limit=replace(limit_of(state, seconds_of(options.budget) * (1 - RESERVE) * share), stop=most),
        on_step=progress.step,
    )
    if trained.stopped == "interrupted":
        raise KeyboardInterrupt
    assert trained.nets is not None
    network = trained.network.eval().freeze(0).cpu()
    generator, critic = trained.nets.generator.cpu().eval(), trained.nets.critic.cpu()
    for part in (generator, critic):
        part.requires_grad_(True)
    return Drawn(network, generator, critic, trained, time.perf_counter() - began)


@torch.no_grad()
def seen_by(judge: Network, pictures: list[Any]) -> Any:
    """Return a network's features [n, d] of pictures."""
    parts = [judge.features(judge.preprocess(pictures[i : i + 64])) for i in range(0, len(pictures), 64)]
    return torch.cat(parts).double().numpy()
