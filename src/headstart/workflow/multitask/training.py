"""Tasks trained together, or one alone: the same network, rows, steps and rates."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart import catalogue
from headstart.data import Dataset
from headstart.data.several import Labels, of_task
from headstart.deep.affinity import Observed
from headstart.engine import Compute, Optimizer, Saving, Stream, predict, raw_fetch, train
from headstart.engine.device import find_place
from headstart.engine.settings import Limit
from headstart.networks import Network, load_network, save_network
from headstart.networks.mixture import MixtureHead
from headstart.schema import read_checked
from headstart.storage import write_json
from headstart.tasks import TaskLogic, create_task
from headstart.tasks.several import SeveralTasks
from headstart.workflow.saved import CUT, read_result

VISITS, LEAST_EPOCHS, MOST_EPOCHS = 120_000, 5, 60
MEASURED = 40
"""How often affinity is measured in a training."""
ALONE = "alone"
PLAIN = "equal"
"""The method by which a task alone is trained: the mean of one loss."""


@dataclass(frozen=True)
class Plan:
    """What is done: weightings that race, epochs, batch size and learning rate, and why."""

    methods: tuple[str, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    body_rate: float
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        names = ("epochs", "batch_size", "learning_rate", "body_rate")
        told = {name: getattr(self, name) for name in names}
        return told | {"methods": list(self.methods), "reasons": list(self.reasons)}


@dataclass(frozen=True)
class Ground:
    """What every training stands on."""

    base: Dataset
    labels: dict[str, Labels]
    make: Any
    device: str | None
    processes: Any
    progress: Any

    def logic(self, name: str) -> TaskLogic:
        """Return one task, with units of its training rows."""
        own = of_task(self.base, self.labels[name])
        return create_task(self.labels[name].task, own.labels(own.splits["train"]))

    def matrix(self, names: list[str], rows: np.ndarray) -> np.ndarray:
        """Return labels [n, l] of some tasks side by side, NaN where one is missing."""
        stored, parts = self.base.stored(rows), []
        for name in names:
            one = self.labels[name]
            values = one.values[stored].astype(np.float64).reshape(len(rows), -1)
            parts.append(np.where(one.given[stored][:, None], values, np.nan))
        return np.concatenate(parts, axis=1)


def learn(
    ground: Ground,
    plan: Plan,
    method: str,
    names: list[str],
    seed: int,
    state: Path,
    seconds: float,
    *,
    observed: bool = False,
) -> Any:
    """Train ``names`` together by ``method`` from the start network; keep one network per task, and the result.

    Parameters
    ----------
    observed : whether affinity between the tasks is measured beside.

    Every training makes as many steps as all rows in so many epochs are; done already: nothing is trained.
    """
    if (state / "result.json").exists():
        return read_result(state)
    began = time.perf_counter()
    rows = ground.base.splits["train"]
    labels = ground.matrix(names, rows)
    some = ~np.isnan(labels).all(axis=1)
    n, rows, labels = len(rows), rows[some], labels[some]
    logic = SeveralTasks({name: ground.logic(name) for name in names})
    network = ground.make(seed)
    network.head = _drawn(logic.head(network.n_features), seed)
    place = find_place(ground.processes, ground.device, None)
    stream = Stream(
        fetch_of(ground.base, rows, network),
        labels,
        batch_size=plan.batch_size,
        seed=seed,
        names=ground.base.names(rows),
    )
    steps = plan.epochs * math.ceil(n / min(plan.batch_size, n))
    ground.progress.stage(f"{method if len(names) > 1 else names[0] + ' alone'} (seed {seed})", steps)
    weighting = catalogue.create(method, None, {"body_rate": plan.body_rate})
    if observed:
        weighting = Observed(method=weighting, every=max(1, steps // MEASURED))
    trained = train(
        weighting,
        network.to(place.device),
        stream,
        task=logic,
        steps=steps,
        seed=seed,
        optimizer=Optimizer(plan.learning_rate),
        checkpoint=Saving(state / "checkpoint.safetensors"),
        compute=Compute(place.device, place.precision, ground.processes),
        limit=_limit(state, seconds),
        on_step=ground.progress.step,
    )
    if trained.stopped == "interrupted":
        raise KeyboardInterrupt
    kept = trained.network.cpu().freeze(0).eval()
    for number, (name, columns) in enumerate(zip(names, logic.outputs_of, strict=True)):
        save_network(with_head(kept, number, columns), logic.parts[name], state / str(number))
    result = {
        "validation": {},
        "score": 0.0,
        "seconds": round(time.perf_counter() - began, 3),
        "epochs": trained.steps * stream.batch_size / max(1, len(rows)),
        "steps": trained.steps,
        "cut": 0,
        "trainable_parameters": trained.settings["trainable_parameters"],
        "parameters": sum(p.numel() for p in kept.parameters()),
        "frozen": {},
        "stopped": trained.stopped,
        "settings": {},
        "history": [{"arm": method, "seed": seed, **one} for one in trained.history],
    }
    if observed:
        assert trained.nets is not None
        result["settings"]["affinity"] = trained.nets.affinity.told()
    write_json(state / "result.json", result)
    return result


def _drawn(head: nn.Module, seed: int) -> nn.Module:
    from headstart.tasks.base import draw

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return draw(head)


def with_head(network: Network, number: int, columns: slice) -> Network:
    """Return the network with the head of one task alone, the given columns of the outputs of all."""
    import copy

    whole = network.head
    own = copy.copy(network)
    own._modules = dict(network._modules)
    if isinstance(whole, MixtureHead):
        own.head = whole.of_task(number)
        return own
    assert isinstance(whole, nn.Linear)
    head = nn.Linear(whole.in_features, columns.stop - columns.start)
    with torch.no_grad():
        head.weight.copy_(whole.weight[columns])
        head.bias.copy_(whole.bias[columns])
    own.head = head
    return own


def fetch_of(base: Dataset, rows: np.ndarray, network: Network) -> Any:
    """Return ``fetch(positions, view)`` of inputs: rows of a table are made once."""
    if base.modality != "table":
        return raw_fetch(base, rows, network.preprocess)
    whole = network.preprocess(base.raw(rows))

    def fetch(positions: np.ndarray, view: Any = 0) -> dict[str, torch.Tensor]:
        chosen = torch.from_numpy(np.asarray(positions))
        return {name: one[chosen] for name, one in whole.items()}

    return fetch


def answers(ground: Ground, state: Path, number: int, rows: np.ndarray) -> np.ndarray:
    """Return predictions [n, k] of one task by a network that `learn` kept."""
    network, logic = load_network(state / str(number))
    assert logic is not None
    return predict(network, logic, fetch_of(ground.base, rows, network), len(rows))


def _limit(state: Path, seconds: float) -> Limit:
    path = state / "cut.json"
    cut = read_checked(path, CUT)["step"] if path.exists() else None
    return Limit(cut=cut, seconds=seconds, on_cut=lambda step: write_json(path, {"step": step}))
