"""A small training as a process of its own: killed, interrupted, resumed, or one of several."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from accelerate import PartialState
from engine_tiny import TASK, Plain, TinyData, tiny_network

from headstart.deep.method import Group, Method
from headstart.engine import (
    Compute,
    Domain,
    JoinedStream,
    Optimizer,
    Saving,
    Selection,
    Stream,
    Trained,
    evaluator,
    raw_fetch,
    train,
)
from headstart.engine.device import process_state
from headstart.engine.settings import Limit
from headstart.errors import UserError
from headstart.storage import checksum


@dataclass(kw_only=True)
class Gradual(Plain):
    """Stages are released with progress: 2, 1, then 0 frozen."""

    def groups(self, nets):
        (group,) = super().groups(nets)
        return [group._replace(parameters=list(nets.network.parameters()))]

    def step(self, nets, batch, progress, update):
        nets.network.freeze(2 - int(progress * 3))
        super().step(nets, batch, progress, update)


@dataclass(kw_only=True)
class Watched(Plain):
    """Tells the samples of every step, and the gradient that the first step takes."""

    def step(self, nets, batch, progress, update):
        super().step(nets, batch, progress, update)
        self.told.append([batch.target.x.sum(dim=(1, 2, 3)).tolist(), batch.target.y.tolist()])
        if len(self.told) == 1:
            self.gradient = [0.0 if p.grad is None else p.grad.flatten().tolist() for p in nets.network.parameters()]

    def __post_init__(self):
        self.told, self.gradient = [], []


@dataclass(kw_only=True)
class TwoDomains(Method):
    """Learns the source and what it says itself of the target; then its head moves alone."""

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})

    def groups(self, nets):
        network = nets.network
        body = Group("body", list(network.stages.parameters()), player="body")
        return [body, Group("head", list(network.head.parameters()), player="head")]

    def survey(self, nets, rows):
        return {"labels": torch.cat([nets.network(samples.x).argmax(dim=1) for samples in rows("target")])}

    def loss(self, nets, batch, progress):
        source, target = batch.source, batch.target
        taught = nets.memory["labels"][target.rows]
        task = nets.task.loss(nets.network(source.x), source.y)
        return {"task": task, "own": nets.task.loss(nets.network(target.x), taught)}

    def step(self, nets, batch, progress, update):
        update(lambda part: self.loss(nets, part, progress))
        update(lambda part: self.loss(nets, part, progress), player="head")


@dataclass(kw_only=True)
class Coupled(TwoDomains):
    couples: ClassVar[bool] = True


def two_domains(method: Method, learning_rate: float) -> Trained:
    """Train on two domains of unequal size."""
    data, network = TinyData(40), tiny_network(norm="group", dropout=0.0)
    torch.nn.init.normal_(network.head.weight, generator=torch.Generator().manual_seed(0))
    parts = [np.arange(12), np.arange(12, 40)]
    target, source = (raw_fetch(data, rows, network.preprocess) for rows in parts)
    stream = JoinedStream(Domain(target, n=12), Domain(source, data.labels(parts[1])), batch_size=8, seed=0)
    return train(
        method, network, stream, task=TASK, steps=5, optimizer=Optimizer(learning_rate), compute=Compute("cpu")
    )


def job(
    folder: Path,
    *,
    steps=24,
    norm="batch",
    dropout=0.2,
    pause=0.0,
    every=0.0,
    method=None,
    on_step=None,
    learning_rate=1e-2,
    limit=None,
):
    """Train; write the checkpoint into ``folder``; return ``Trained``."""
    data, rows = TinyData(40), np.arange(40)
    network = tiny_network(norm=norm, dropout=dropout)
    fetch = raw_fetch(data, rows, network.preprocess, views=3, seed=1)
    stream = Stream(fetch, data.labels(rows), batch_size=8, seed=0, names=data.names(rows), views=3)
    evaluate = evaluator(TASK, raw_fetch(data, rows, network.preprocess), data.labels(rows))

    def report(record):
        time.sleep(pause)
        if on_step is not None:
            on_step(record)

    return train(
        method or Gradual(),
        network,
        stream,
        task=TASK,
        steps=steps,
        optimizer=Optimizer(learning_rate),
        selection=Selection(evaluate, every=6, patience=50),
        checkpoint=Saving(folder / "training.safetensors", every),
        compute=Compute("cpu"),
        limit=limit or Limit(),
        on_step=report,
    )


def digest(trained) -> str:
    return checksum(trained.network.state_dict())


def several(folder: Path) -> None:
    """One of several processes: its batches, the gradient of its first step, the main one's losses.

    At the first rate the weights stand still, so that every loss tells which samples it was the mean of; at one that
    learns, losses part with the order of sums, on some processors within a dozen steps.
    """
    losses: list[float] = []
    network = {"norm": "group", "dropout": 0.0, "every": 1e9}
    method = Watched(frozen=1)
    still = job(
        folder,
        **network,
        method=method,
        learning_rate=1e-9,
        on_step=lambda record: losses.append(record["train_loss"]),
    )
    state = process_state()
    found: dict = {"written": (folder / "training.safetensors").exists()}
    state.wait_for_everyone()  # before one of them takes it away
    (folder / "training.safetensors").unlink(missing_ok=True)
    found |= {"losses": losses, "scores": [record["validation_loss"] for record in still.history]}
    found |= {"batches": method.told, "gradient": method.gradient}
    found |= {"weights": digest(job(folder, **network, method=Plain(frozen=1))), "processes": state.num_processes}
    (folder / "training.safetensors").unlink(missing_ok=True)
    state.wait_for_everyone()
    ticks = count()
    clock = Limit(seconds=40, clock=lambda: float(next(ticks))) if state.is_main_process else None
    cut = job(folder, **network, method=Plain(frozen=1), limit=clock)
    found |= {"cut": [cut.steps, cut.stopped]}
    found |= {"domains": [r["train_loss"] for r in two_domains(TwoDomains(), 1e-9).history]}
    found |= {"domains_weights": digest(two_domains(TwoDomains(), 1e-2)), "refused": ""}
    try:
        two_domains(Coupled(), 1e-2)
    except UserError as error:
        found["refused"] = str(error)
    (folder / f"rank{state.process_index}.json").write_text(json.dumps(found))


def alone(folder: Path) -> None:
    """A process to be killed or interrupted; tells its steps in a file."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    trained = job(folder, pause=0.02, on_step=lambda record: (folder / "step").write_text(str(record["step"])))
    (folder / "done.json").write_text(json.dumps([trained.stopped, trained.steps, digest(trained)]))


def rank_of_two(rank: int, port: int, folder: Path) -> None:
    """What ``accelerate launch --cpu --num_processes 2`` sets up, without starting Python anew."""
    PartialState._reset_state()
    places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in places.items()})
    os.environ.update(MASTER_ADDR="127.0.0.1", ACCELERATE_USE_CPU="true", OMP_NUM_THREADS="1")
    several(folder)


def forked(function, *arguments) -> BaseProcess:
    """Start ``function`` in a process that begins as a copy of this one: nothing is imported again."""
    process = get_context("fork").Process(target=function, args=arguments)
    process.start()
    return process


if __name__ == "__main__":
    several(Path(sys.argv[1]))
