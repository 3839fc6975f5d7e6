"""Adapt a run's network to unlabelled samples, its first stages frozen and computed once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart import catalogue
from headstart.data import Dataset
from headstart.engine import (
    Compute,
    Optimizer,
    Saving,
    Selection,
    States,
    Stream,
    Trained,
    cached_states,
    choose_device,
    predict,
    raw_fetch,
    train,
)
from headstart.networks import Network
from headstart.tasks import TaskLogic

VIEWS = 16
"""Views at hand of each sample, for methods that show several in a batch."""


@dataclass(frozen=True)
class Plan:
    """What is done.

    Attributes
    ----------
    methods : of the kind "source_free". depth : number of last stages that learn. epochs, batch_size, learning_rate :
        of each training. named : whether the user named the methods, and so asked for an adapted model.
    """

    method: str
    methods: tuple[str, ...]
    depth: int
    epochs: int
    batch_size: int
    learning_rate: float
    named: bool
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        told = ("method", "depth", "epochs", "batch_size", "learning_rate", "named")
        lists = {"methods": list(self.methods), "reasons": list(self.reasons)}
        return {name: getattr(self, name) for name in told} | lists


@dataclass(frozen=True)
class Outcome:
    """One training: the adapted network's answers for every sample [n, k], how it went, and the network itself."""

    network: Network
    answers: np.ndarray
    trained: Trained


def answers_of(network: Network, logic: TaskLogic, dataset: Dataset, device: str | None) -> np.ndarray:
    """Return the network's answers for every sample."""
    place, rows = choose_device(device), np.arange(len(dataset))
    network.entry = 0
    return predict(network.to(place), logic, raw_fetch(dataset, rows, network.preprocess), len(rows), device=place)


def adapt(
    method: str,
    network: Network,
    logic: TaskLogic,
    dataset: Dataset,
    plan: Plan,
    *,
    seed: int,
    state: Path,
    device: str | None,
    on_step: Any = None,
) -> Outcome:
    """Train ``network``, which answers already, by a method that sees no source data.

    Parameters
    ----------
    state : folder of the checkpoint; a training that was stopped goes on from it with the same bits.
    """
    learner = catalogue.create(method, plan.depth)
    place, rows = choose_device(device), np.arange(len(dataset))
    cut = min(learner.frozen_stages(network), network.last_cut)
    views = 1 if learner.n_views == 1 else VIEWS
    network.to(place).freeze(cut)
    states: States | None = cached_states(network, cut, dataset, rows, views=views, seed=seed) if cut else None
    fetch = raw_fetch(dataset, rows, network.preprocess, seed=seed) if states is None else states.fetch
    network.entry = 0 if states is None else cut
    stream = Stream(
        fetch, n=len(rows), batch_size=plan.batch_size, seed=seed, views=views, shown=learner.n_views,
        names=dataset.names(rows),
    )  # fmt: skip
    trained = train(
        learner,
        network,
        stream,
        task=logic,
        steps=plan.epochs * stream.steps_per_epoch,
        seed=seed,
        optimizer=Optimizer(plan.learning_rate),
        selection=Selection(),
        checkpoint=Saving(state / "checkpoint.safetensors"),
        compute=Compute(place, "no"),
        on_step=on_step,
    )
    if trained.stopped == "interrupted":
        raise KeyboardInterrupt
    adapted = trained.network.eval()
    adapted.entry = 0
    return Outcome(adapted, answers_of(adapted, logic, dataset, device), trained)
