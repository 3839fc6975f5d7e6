"""What is done to learn a source from episodes, decided before training."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from headstart import catalogue
from headstart.data import Dataset
from headstart.engine import EpisodeStream
from headstart.schema import record_of, require
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.few_shot.classes import queries_of
from headstart.workflow.options import seconds_of

CLASSIFIER, NEAREST = "classifier", "nearest"
WAYS, SHOTS = 5, 1
MOST_STEPS = 10_000
RATE = 1e-3
BATCH = 64
ASKED = 150
"""Queries of an episode to learn from, where it has many ways."""
TRIED = 3
SHARE = 0.4
"""Of the budget, for each of the two trainings."""


@dataclass(frozen=True)
class FewShotPlan:
    """What is done.

    Attributes
    ----------
    method : in the catalogue. ways, shots, queries : of the episodes. steps : most episodes to learn from.
    learning_rate, batch_size : of both trainings, and of the classifier's batches. arms : what is compared.
    """

    method: str
    ways: int
    shots: int
    queries: int
    steps: int
    learning_rate: float
    batch_size: int
    arms: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def classifier_steps(self) -> int:
        """Steps in which the classifier sees as many samples as the episodes show."""
        return max(1, round(self.steps * self.ways * (self.shots + self.queries) / self.batch_size))

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"arms": list(self.arms), "reasons": list(self.reasons)}

    @classmethod
    def from_json(cls, value: dict[str, Any], where: str) -> FewShotPlan:
        require(value, record_of(cls), where)
        return cls(**{**value, "arms": tuple(value["arms"]), "reasons": tuple(value["reasons"])})


def make_plan(bench: Workbench, stream: EpisodeStream, method: str) -> FewShotPlan:
    """Return the plan: as many episodes as the budget's share holds, at most `MOST_STEPS`, unless epochs are given."""
    options, data = bench.options, bench.dataset
    seconds = SHARE * seconds_of(options.budget)
    per_step = max(1e-4, seconds_per_step(bench, stream, method))
    steps = int(np.clip(seconds / per_step, 20, MOST_STEPS))
    if options.epochs is not None:
        steps = options.epochs * stream.steps_per_epoch
    classes = {name: len(np.unique(data.labels(rows))) for name, rows in data.splits.items()}
    episode = f"{stream.ways} classes, {stream.shots} samples to learn from and {stream.queries} to answer of each"
    reasons = (
        f"{classes['train']} classes to learn from, {classes['validation']} others to choose by and {classes['test']} "
        "others to measure on.",
        f"{catalogue.get(method).title} learns from {steps} episodes of {episode}; beside it a classifier of the same "
        "classes sees as many samples.",
    )
    return FewShotPlan(
        method=method,
        ways=stream.ways,
        shots=stream.shots,
        queries=stream.queries,
        steps=steps,
        learning_rate=options.learning_rate or RATE,
        batch_size=options.batch_size or BATCH,
        arms=(method, CLASSIFIER, NEAREST),
        reasons=reasons,
    )


def episode_sizes(dataset: Dataset, ways: int | None, shots: int | None) -> tuple[int, int, int]:
    """Return ways, shots and queries: those that were asked for, else five classes with a sample each.

    Episodes of many ways ask fewer queries of each class, so that a step stays short.
    """
    ways, shots = ways or WAYS, shots or SHOTS
    assert dataset.task is not None
    counts = np.bincount(dataset.labels(np.arange(len(dataset))), minlength=dataset.task.n_outputs)
    return ways, shots, min(queries_of(counts, ways, shots), max(5, ASKED // ways))


def seconds_per_step(bench: Workbench, stream: EpisodeStream, method: str) -> float:
    """Time some steps of the method: the fastest, since what else a machine does only slows one down."""
    from headstart.engine import Compute, train

    marks: list[float] = []
    train(
        catalogue.create(method),
        bench.network(pretrained=False, seed=0),
        stream,
        task=bench.logic,
        steps=TRIED + 1,
        compute=Compute(bench.device, bench.place.precision, bench.processes),
        on_step=lambda record: marks.append(time.perf_counter()),
    )
    return float(np.diff(marks).min())
