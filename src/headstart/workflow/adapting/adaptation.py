"""Adaptation data: both sides as rows of numbers, and which labels of the target may be learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.choice.label_sets import LabelSets, tell_label_sets
from headstart.engine.progress import Progress
from headstart.models.encoder import Encoder, make_encoder
from headstart.networks import Source
from headstart.problem import Carries, Domain, Setting, Task
from headstart.shallow.diagnose import Diagnosis, diagnose
from headstart.shallow.domains import mask
from headstart.tasks import TaskLogic, create_task
from headstart.workflow.description import target_domain
from headstart.workflow.opening.sides import Sides
from headstart.workflow.options import FitOptions, is_unseen
from headstart.workflow.setting import carried, classify, labels_set_aside

Array = np.ndarray
LEARN_SHARE = 0.5


@dataclass(frozen=True)
class Rows:
    """Rows of numbers of both sides.

    Attributes
    ----------
    source : [n, d]. target : [m, d]. names : of the features, where they have any.
    """

    source: Array
    target: Array
    names: list[str] | None


@dataclass
class Adaptation:
    """What the parts of one run across domains share.

    Attributes
    ----------
    learned : per seed the target rows whose labels were learned from.
    evaluated : the target rows with a label that no seed learned from.
    """

    sides: Sides
    rows: Rows
    encoder: Encoder
    logic: TaskLogic
    options: FitOptions
    source: Source | None
    learned: list[Array]
    evaluated: Array

    @property
    def task(self) -> Task:
        return self.sides.task

    def seen_labels(self, number: int) -> Array:
        """Return the target's labels [m] that seed number ``number`` may learn from; all others are masked."""
        labels = self.sides.target_labels
        hidden = np.ones(len(labels), dtype=bool)
        hidden[self.learned[number]] = False
        return mask(labels, hidden)

    def diagnosis(self) -> Diagnosis:
        """Return the kind of shift; target labels to learn from may show concept shift."""
        return diagnose(
            self.rows.source,
            self.sides.source_labels,
            self.rows.target,
            target_labels=self.seen_labels(0),
            names=self.rows.names,
            kind=self.task.label_space.solved_as,
            seed=self.options.seed,
        )

    def label_sets(self) -> LabelSets | None:
        """Return whether both sides seem to have the same classes; None for values."""
        if not self.task.label_space.one_class:
            return None
        return tell_label_sets(self.rows.source, self.sides.source_labels, self.rows.target, seed=self.options.seed)


def adapt(sides: Sides, source: Source | None, options: FitOptions, progress: Progress) -> Adaptation:
    """Turn both sides into rows of numbers, and part the target's labelled rows into those learned from and not."""
    unseen = is_unseen(options.method) and len(sides.sources) > 1
    rows, encoder = encode(sides, source, progress, unseen=unseen)
    learned = [learn_rows(sides, options, seed) for seed in options.seed_list]
    evaluated = sides.to_evaluate(np.concatenate(learned))
    logic = create_task(sides.task, sides.task.label_space.as_labels(sides.source_labels))
    return Adaptation(sides, rows, encoder, logic, options, source, learned, evaluated)


def setting_across(sides: Sides, n_learned: int, carries: Carries | None) -> Setting:
    """Answer the three classifications; ``carries`` is None before a method is chosen."""
    target = sides.target.dataset
    source = Domain(target.modality, target_domain(sides.sources[0]).space, sides.source_names)  # type: ignore[arg-type]
    setting = classify(target_domain(target), sides.task if n_learned else None, source, sides.task)
    return carried(labels_set_aside(setting, len(sides.labelled)), carries)


def encode(sides: Sides, source: Source | None, progress: Progress, *, unseen: bool = False) -> tuple[Rows, Encoder]:
    """Return the rows of both sides, and the encoder that made them."""
    encoder = make_encoder(sides.sources, sides.target.dataset, source, unseen=unseen)
    datasets = [*sides.sources, sides.target.dataset]
    parts = []
    for dataset in datasets:
        name, seen = f"features of {dataset.name}", [False]

        def report(done: int, total: int, name: str = name, seen: list[bool] = seen) -> None:
            if not seen[0]:
                progress.stage(name, total)
                seen[0] = True
            progress.done(done, total)

        parts.append(encoder.features(dataset, report))
    return Rows(np.concatenate(parts[:-1]), parts[-1], encoder.names), encoder


def learn_rows(sides: Sides, options: FitOptions, seed: int) -> Array:
    """Return the target rows whose labels may be learned from: none, unless ``--target-labels learn`` says so.

    ``--shots`` of each class (regression: that many rows), or half of the labelled rows (all of them
    where a test set of its own evaluates), drawn by the seed.
    """
    if options.target_labels != "learn":
        return np.zeros(0, dtype=np.int64)
    rng, rows, labels = np.random.default_rng(seed), sides.labelled, sides.target_labels
    order, share = rng.permutation(rows), 1.0 if len(sides.tested) else LEARN_SHARE
    classes, chosen = sides.task.label_space.class_of(labels), []
    for number in np.unique(classes[rows]):
        mine = order[classes[order] == number]
        chosen.append(mine[: options.shots or round(share * len(mine))])
    return np.sort(np.concatenate(chosen))
