"""One training from pairs: both sides' networks, or a student of one side."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from headstart import catalogue
from headstart.data import Dataset
from headstart.data.two_sides import contents
from headstart.engine import Compute, Domain, PairStream, Trained
from headstart.engine.device import find_place
from headstart.errors import UserError
from headstart.networks import Network, Source
from headstart.networks.projection import STAGE, project
from headstart.networks.source_run import open_answers
from headstart.tasks import TaskLogic
from headstart.tasks.base import draw
from headstart.tasks.pairs import PairTask
from headstart.workflow.opening.refusals import TAUGHT
from headstart.workflow.options import FitOptions
from headstart.workflow.self_supervised.training import (
    Plan,
    fetch_of,
    make_plan,
    on,
    start_network,
    statistics_of,
    train_by,
)

WIDTH = 64
"""Of the space that both sides share."""


class Two(NamedTuple):
    """Something of the left side, and of the right."""

    left: Any
    right: Any


def plan_pairs(sides: Two, options: FitOptions) -> Plan:
    """Return how long is trained, as for samples without labels, and in batches as large as both sides bear."""
    plan = make_plan(sides.left, options)
    n, held = len(sides.left.splits["train"]), len(sides.left.splits["test"])
    batch = min(options.batch_size or max(16, min(128, n // 8)), n)
    names = Two(*(side.inferred["side"] for side in sides))
    what = f"{names.right} learns what the teacher says of {names.left}" if options.method == TAUGHT else "both learn"
    reasons = (
        f"{catalogue.get(plan.method).title}: {names.left} ({sides.left.modality}) beside {names.right} "
        f"({sides.right.modality}); {what}, and no label is read.",
        f"{n:,} pairs are learned from in up to {plan.epochs} epochs, or until the budget of {options.budget} ends; "
        f"{held:,} are held out to measure on.",
    )
    return replace(plan, batch_size=batch, reasons=reasons)


def start_side(dataset: Dataset, source: Source, *, pretrained: bool, seed: int) -> Network:
    """Return a side's network, with a last stage into the space that both share."""
    if pretrained:
        network = source.build(seed=seed, columns=dataset.columns, statistics=statistics_of(dataset))
    else:
        network = start_network(dataset, source, seed, statistics_of(dataset))
    if STAGE in network.stage_names:
        return network
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return project(network, WIDTH).eval()


def teacher_of(source: Source) -> tuple[Network, TaskLogic]:
    """Return who teaches: a run's network with its head, and its task."""
    found = open_answers(source.spec)
    if found is None:
        raise UserError(f"--teacher {source.spec} answers no task; name a run of `headstart fit`.")
    if not found[1].task.label_space.solved_as:
        raise UserError(f"--teacher {source.spec} answers in space, which is not taught; name another run.")
    return found


def student_of(dataset: Dataset, source: Source, logic: TaskLogic, *, pretrained: bool, seed: int) -> Network:
    """Return a network of the right side with a new head for the teacher's task."""
    network = source.build(pretrained=pretrained, seed=seed, columns=dataset.columns, statistics=statistics_of(dataset))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network.head = draw(logic.head_of(network))
    return network


def learn_pairs(
    sides: Two, networks: Two, logic: TaskLogic | None, plan: Plan, options: FitOptions, state: Path, progress: Any,
    processes: Any,
) -> tuple[Two, Trained]:  # fmt: skip
    """Train by the plan's method; a training that was stopped goes on from its checkpoint with the same bits.

    Parameters
    ----------
    networks : of both sides; the left one teaches where ``logic``, the teacher's task, is given.
    """
    place = find_place(processes, options.device, options.precision)
    for network in networks:
        network.to(place.device)
    student, other = (networks.right, networks.left) if logic is not None else networks
    stream = _stream(sides, networks, plan, options, taught=logic is not None)
    method, compute = catalogue.create(plan.method), Compute(place.device, place.precision, processes)
    trained = train_by(plan, method, student, stream, _task(logic, other), options, state, progress, compute)
    if logic is not None:
        return Two(networks.left, trained.network.eval().freeze(0)), trained
    assert trained.nets is not None
    return Two(trained.network.eval().freeze(0), trained.nets.other.eval().freeze(0)), trained


def _stream(sides: Two, networks: Two, plan: Plan, options: FitOptions, *, taught: bool) -> PairStream:
    rows = sides.left.splits["train"]
    domains = [
        Domain(
            fetch_of(side, rows, network, 1, options.seed),
            None if taught else contents(side)[rows],
            n=len(rows),
            names=side.names(rows),
        )
        for side, network in zip(sides, networks, strict=True)
    ]
    first, second = reversed(domains) if taught else domains
    return PairStream(first, second, batch_size=plan.batch_size, seed=options.seed)


def _task(logic: TaskLogic | None, other: Network) -> TaskLogic:
    if logic is None:
        return PairTask(other)
    task = copy.copy(logic)
    task.other = other  # type: ignore[attr-defined]
    return task


def features_of(dataset: Dataset, rows: np.ndarray, network: Network) -> np.ndarray:
    """Return features [n, d] of rows of one side."""
    return _passed(dataset, rows, network, network.features)


def outputs_of(dataset: Dataset, rows: np.ndarray, network: Network) -> np.ndarray:
    """Return what the head says of rows of one side [n, k]."""
    return _passed(dataset, rows, network, network)


@torch.no_grad()
def _passed(dataset: Dataset, rows: np.ndarray, network: Network, ask: Any) -> np.ndarray:
    fetch, device = fetch_of(dataset, rows, network, 1, 0), next(network.parameters()).device
    parts = [np.arange(start, min(start + 64, len(rows))) for start in range(0, len(rows), 64)]
    return np.concatenate([ask(on(fetch(part, 0), device)).float().cpu().numpy() for part in parts])
