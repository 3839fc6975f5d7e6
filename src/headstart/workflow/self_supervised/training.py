"""One training without labels, and what it left measured on samples that were held out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart import catalogue
from headstart.data import Dataset
from headstart.deep.method import Method
from headstart.engine import Compute, Optimizer, Saving, Stream, Trained, raw_fetch, train
from headstart.engine.device import find_place
from headstart.engine.progress import Progress
from headstart.engine.settings import Limit
from headstart.engine.streams import BatchStream
from headstart.errors import UserError
from headstart.networks import Network, Source, TablePreprocess
from headstart.networks.decoders import Decoder, reconstruct
from headstart.schema import read_checked
from headstart.storage import write_json
from headstart.tasks import TaskLogic
from headstart.tasks.nothing import NoTask
from headstart.workflow.options import FitOptions, seconds_of
from headstart.workflow.saved import CUT

VISITS, LEAST_EPOCHS, MOST_EPOCHS = 150_000, 5, 100
"""Samples that are seen in all, and how often each is, where nothing is said of epochs."""
VIEWS = 32
"""Views at hand of each sample, for methods that compare some."""
RESERVE = 0.1
"""Share of the budget that is left for measuring and writing."""


@dataclass(frozen=True)
class Plan:
    """What is done: a method, its epochs, batch size and learning rate, and why."""

    method: str
    epochs: int
    batch_size: int
    learning_rate: float
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in ("method", "epochs", "batch_size", "learning_rate")}
        return told | {"reasons": list(self.reasons)}


def make_plan(dataset: Dataset, options: FitOptions) -> Plan:
    """Return how long is trained: each sample up to 100 times, 150,000 visits in all, unless told otherwise."""
    assert options.method is not None
    n = len(dataset.splits["train"])
    usual = int(min(MOST_EPOCHS, max(LEAST_EPOCHS, VISITS // n)))
    most = 256 if dataset.modality == "table" else 64
    batch = min(options.batch_size or max(16, min(most, n // 8)), n)
    epochs, rate = options.epochs or usual, options.learning_rate or 1e-3
    held = len(dataset.splits["test"])
    reasons = (
        f"{catalogue.get(options.method).title}: no label is read; all stages learn from random weights.",
        f"{n:,} samples are learned from in {epochs} epochs of {math.ceil(n / batch)} steps, or until the budget of "
        f"{options.budget} ends; {held:,} are held out to measure on.",
    )
    return Plan(options.method, epochs, batch, rate, reasons)


@dataclass(frozen=True)
class Learned:
    """What a training left: the network, a decoder where the method has one, and how it went."""

    network: Network
    decoder: Decoder | None
    trained: Trained


def statistics_of(dataset: Dataset) -> TablePreprocess | None:
    """Return means, deviations and categories of a table's training rows."""
    if dataset.columns is None:
        return None
    return TablePreprocess.fit(dataset.raw(dataset.splits["train"]), dataset.columns)


def start_network(dataset: Dataset, source: Source, seed: int, statistics: TablePreprocess | None) -> Network:
    """Return the architecture with random weights."""
    return source.build(pretrained=False, seed=seed, columns=dataset.columns, statistics=statistics)


def learn(
    dataset: Dataset, network: Network, plan: Plan, options: FitOptions, state: Path, progress: Progress, processes: Any
) -> Learned:
    """Train by the plan's method; a training that was stopped goes on from its checkpoint with the same bits."""
    method = catalogue.create(plan.method)
    place, rows = find_place(processes, options.device, options.precision), dataset.splits["train"]
    views = VIEWS if method.n_views > 1 else max(1, options.views or 1)
    if method.n_views > 1 and not network.preprocess.augments:
        raise UserError(
            f"--method {plan.method} compares augmented views of pictures, and {dataset.name} holds rows of a table; "
            "choose scarf, denoising or autoencoder."
        )
    network.to(place.device)
    fetch = fetch_of(dataset, rows, network, views, options.seed)
    stream = Stream(
        fetch,
        n=len(rows),
        batch_size=plan.batch_size,
        seed=options.seed,
        views=views,
        shown=method.n_views,
        names=dataset.names(rows),
    )
    compute = Compute(place.device, place.precision, processes)
    trained = train_by(plan, method, network, stream, NoTask(), options, state, progress, compute)
    decoder = dict(trained.nets.named_children()).get("decoder") if trained.nets is not None else None
    network = trained.network.eval()
    network.freeze(0)
    return Learned(network, None if decoder is None else decoder.eval(), trained)  # type: ignore[arg-type]


def train_by(
    plan: Plan, method: Method, network: Network, stream: BatchStream, task: TaskLogic, options: FitOptions,
    state: Path, progress: Any, compute: Compute,
) -> Trained:  # fmt: skip
    """Train as planned, within the budget; what was stopped goes on from its checkpoint in ``state``.

    Raises
    ------
    KeyboardInterrupt
        If it was interrupted: the checkpoint is written then.
    """
    steps = plan.epochs * stream.steps_per_epoch
    progress.stage(plan.method, steps)
    trained = train(
        method,
        network,
        stream,
        task=task,
        steps=steps,
        seed=options.seed,
        optimizer=Optimizer(plan.learning_rate),
        checkpoint=Saving(state / "checkpoint.safetensors"),
        compute=compute,
        limit=limit_of(state, seconds_of(options.budget) * (1 - RESERVE)),
        on_step=progress.step,
    )
    if trained.stopped == "interrupted":
        raise KeyboardInterrupt
    return trained


def fetch_of(dataset: Dataset, rows: np.ndarray, network: Network, views: int, seed: int) -> Any:
    """Return ``fetch(positions, view)`` of inputs: pictures when they are asked for, rows of a table made once."""
    if dataset.modality != "table":
        return raw_fetch(dataset, rows, network.preprocess, views=views, seed=seed)
    whole = network.preprocess(dataset.raw(rows))

    def fetch(positions: np.ndarray, view: Any = 0) -> dict[str, torch.Tensor]:
        chosen = torch.from_numpy(np.asarray(positions))
        return {name: one[chosen] for name, one in whole.items()}

    return fetch


def limit_of(state: Path, seconds: float) -> Limit:
    """Return the clock's limit; the step at which it cut is kept, so that a resumed run ends there too."""
    path = state / "cut.json"
    cut = read_checked(path, CUT)["step"] if path.exists() else None
    return Limit(cut=cut, seconds=seconds, on_cut=lambda step: write_json(path, {"step": step}))


@dataclass(frozen=True)
class Measured:
    """Of held-out samples: features [n, d], and errors [n] of their reconstructions where there are any."""

    features: np.ndarray
    errors: np.ndarray | None


def measure(dataset: Dataset, rows: np.ndarray, learned: Learned) -> Measured:
    """Return features and errors of ``rows``."""
    network, decoder = learned.network, learned.decoder
    fetch = fetch_of(dataset, rows, network, 1, 0)
    device, features, errors = next(network.parameters()).device, [], []
    with torch.no_grad():
        for start in range(0, len(rows), 64):
            x = on(fetch(np.arange(start, min(start + 64, len(rows))), 0), device)
            features.append(network.features(x).float().cpu().numpy())
            if decoder is not None:
                errors.append(reconstruct(network, decoder, x)[2].float().cpu().numpy())
    return Measured(np.concatenate(features), np.concatenate(errors) if errors else None)


def on(x: Any, device: torch.device) -> Any:
    """Return inputs on a device."""
    return {name: one.to(device) for name, one in x.items()} if isinstance(x, dict) else x.to(device)
