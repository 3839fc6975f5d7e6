"""Measure a run's model on labelled data."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from headstart.data import Dataset, Like, check, open_data, open_labelled
from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.models.several import SeveralModel
from headstart.models.verification import VerificationModel
from headstart.problem import Task
from headstart.workflow.judging.measuring import interval_of_arm
from headstart.workflow.run import Run, load
from headstart.workflow.trained_rows import overlap


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a model on labelled data, with a 95% interval of the primary one.

    ``unadapted`` are those of the model as it is, where it was adapted to the samples.
    """

    metric: str
    metrics: dict[str, float]
    interval: tuple[float, float]
    n: int
    split: str
    warnings: tuple[str, ...] = ()
    unadapted: dict[str, float] | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "metrics": self.metrics,
            "interval": list(self.interval),
            "n": self.n,
            "split": self.split,
            "warnings": list(self.warnings),
        } | ({} if self.unadapted is None else {"unadapted": self.unadapted})

    def lines(self) -> list[str]:
        low, high = self.interval
        lines = [f"{name}: {value:.4g}" for name, value in self.metrics.items()]
        lines[0] += f"  (95% interval {low:.4g} to {high:.4g}, n = {self.n}, {self.split})"
        if self.unadapted is not None:
            lines = [f"{line}, unadapted {old:.4g}" for line, old in zip(lines, self.unadapted.values(), strict=True)]
        return [*lines, *(f"Warning: {text}" for text in self.warnings)]


@isolate
def evaluate(
    run: str | PathLike[str],
    data: Any,
    *,
    label: str | None = None,
    text: str | None = None,
    image: str | None = None,
    allow_damaged: bool = False,
    device: str | None = None,
    adapt: str | None = None,
    flips: bool = False,
) -> Evaluation:
    """Evaluate on the test split where the data bring one, and on all samples otherwise.

    Columns are read with the run's types. Label, text and image columns are those of the run unless others are named.

    Of a run of several tasks ``label`` names the one that is measured, and every row needs its label.

    With ``adapt``, a method at test time, the figures are those of the model adapted to these samples, without their
    labels; those of the model as it is stand beside. With ``flips`` they are of means over a picture and its mirror
    image.

    Raises
    ------
    UserError
        If a column is lacking, a label is missing, or a class is none of the model's.
    """
    opened = load(run)
    model = opened.model
    if isinstance(model, VerificationModel):
        return evaluate_people(opened, model, data, label=label, text=text, image=image, device=device)
    if isinstance(model, SeveralModel):
        model = model.of_task(label)
    if flips:
        model.logic.flipped()
    task = model.logic.task
    like = Like(task, model.modality, model.wanted, label_columns(opened))
    dataset = open_labelled(data, like, label=label, text=text, image=image)
    dataset, _ = check(dataset, allow_damaged=allow_damaged)
    rows = dataset.splits["test"] if dataset.given_splits else np.arange(len(dataset))
    labels = aligned_labels(dataset, rows, task)
    asked, old, said = subset(dataset, rows), None, ()
    if adapt is None:
        predictions = model.predict_proba(asked, device=device)
    else:
        found = model.adapted(asked, adapt, device=device)
        predictions, said = found.after, tuple(found.warnings)
        old = model.logic.metrics(found.before, labels)
    low, high = interval_of_arm(model.logic, [predictions], labels).bounds
    split = "the test split" if dataset.given_splits else "all samples"
    warnings = (*dataset.warnings, *said, *_absent(task, labels), *overlap(opened.path, dataset, rows))
    metrics = model.logic.metrics(predictions, labels)
    return Evaluation(task.metric, metrics, (low, high), len(rows), split, warnings, old)


def evaluate_people(
    run: Run, model: VerificationModel, data: Any, *, label: Any, text: Any, image: Any, device: str | None
) -> Evaluation:
    """Measure who is who among people that the data name; whoever has one picture has no genuine pair and is left out.

    Raises
    ------
    UserError
        If fewer than two people have two pictures.
    """
    from headstart.functional.intervals import interval_of_mean
    from headstart.workflow.judging.recognition import figures, scores_per_person

    opened = open_data(data, label=label, text=text, image=image, modality=model.modality, singles=True)
    dataset, _ = check(opened)
    task = dataset.task
    counts = np.zeros(0) if task is None else np.bincount(dataset.labels(np.arange(len(dataset))))
    if task is None or not task.label_space.one_class or (counts >= 2).sum() < 2:
        raise UserError(
            f"{dataset.name} does not name two people with two pictures each; give such, as a folder per person."
        )
    people = dataset.labels(np.arange(len(dataset)))
    rows = np.flatnonzero(counts[people] >= 2)
    vectors = model.embed(subset(dataset, rows), device=device)
    scores = scores_per_person(vectors, people[rows], seed=0)
    rates = {name: one["value"] for name, one in figures(vectors, people[rows], model.threshold, 0).items()
             if isinstance(one, dict)}  # fmt: skip
    bounds = interval_of_mean(scores, share=True).bounds
    warnings = (*dataset.warnings, *overlap(run.path, dataset, rows))
    metrics = {"accuracy": float(scores.mean()), **rates}
    return Evaluation("accuracy", metrics, bounds, scores.shape[1], "people", warnings)


def _absent(task: Task, labels: np.ndarray) -> list[str]:
    """Say which classes have no sample, and so no say in the figures."""
    space = task.label_space
    absent = [name for name, count in space.counts(labels).items() if space.of_classes and not count]
    if not absent:
        return []
    shown = ", ".join(f"'{name}'" for name in absent[:10]) + (f" and {len(absent) - 10} more" * (len(absent) > 10))
    return [f"{len(absent)} of the model's {len(task.classes)} classes have no sample here, so that the figures say "
            f"nothing of them: {shown}."]  # fmt: skip


def label_columns(run: Run) -> tuple[str, ...]:
    """Return the label columns that a run was trained with, where its data had columns."""
    found = run.result["data"].get("label_columns")
    if found is None:  # runs of before they were kept
        asked = run.result.get("arguments", {}).get("label")
        found = asked.split(",") if isinstance(asked, str) else []
    return tuple(str(name) for name in found)


def subset(dataset: Dataset, rows: np.ndarray) -> Dataset:
    """Return the dataset with nothing but ``rows``."""
    return dataset.without(np.setdiff1d(np.arange(len(dataset)), rows))


def aligned_labels(dataset: Dataset, rows: np.ndarray, task: Task) -> np.ndarray:
    """Return labels in the model's order of classes: by name, never by position."""
    assert dataset.task is not None
    unknown = sorted(set(dataset.task.classes) - set(task.classes))
    if unknown:
        raise UserError(
            f"{dataset.name} has classes that the model does not know ({', '.join(unknown)}); "
            f"the model knows: {', '.join(task.classes)}."
        )
    return task.label_space.renumbered(dataset.labels(rows), dataset.task.label_space.names)
