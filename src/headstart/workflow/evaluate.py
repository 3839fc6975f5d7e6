"""Measure a run's model on labelled data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data import Dataset, check, open_data
from headstart.errors import UserError
from headstart.functional.bootstrap import mean_interval
from headstart.isolated import isolate
from headstart.problem import Task
from headstart.workflow.run import load


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a model on labelled data, with a 95% bootstrap interval of the primary one."""

    metric: str
    metrics: dict[str, float]
    interval: tuple[float, float]
    n: int
    split: str

    def to_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "metrics": self.metrics,
            "interval": list(self.interval),
            "n": self.n,
            "split": self.split,
        }

    def lines(self) -> list[str]:
        low, high = self.interval
        lines = [f"{name}: {value:.4g}" for name, value in self.metrics.items()]
        lines[0] += f"  (95% interval {low:.4g} to {high:.4g}, n = {self.n}, {self.split})"
        return lines


@isolate
def evaluate(
    run: str | Path,
    data: Any,
    *,
    label: str | None = None,
    text: str | None = None,
    image: str | None = None,
    allow_damaged: bool = False,
    device: str | None = None,
) -> Evaluation:
    """Evaluate on the test split where the data bring one, and on all samples otherwise.

    Raises
    ------
    UserError
        If the data's classes are not the model's.
    """
    model = load(run).model
    task = model.logic.task
    kind = model.modality
    dataset = (
        data
        if isinstance(data, Dataset)
        else open_data(data, label=label, text=text, image=image, task=task.kind, modality=kind)
    )
    dataset, _ = check(dataset, allow_damaged=allow_damaged)
    rows = dataset.splits["test"] if dataset.given_splits else np.arange(len(dataset))
    labels = aligned_labels(dataset, rows, task)
    predictions = model.predict_proba(subset(dataset, rows), device=device)
    scores = model.logic.scores(predictions, labels)
    sign = -1.0 if task.kind == "regression" else 1.0
    low, high = sorted(sign * float(edge) for edge in mean_interval(scores[None]))
    split = "the test split" if dataset.given_splits else "all samples"
    return Evaluation(task.metric, model.logic.metrics(predictions, labels), (low, high), len(rows), split)


def subset(dataset: Dataset, rows: np.ndarray) -> Dataset:
    """Return the dataset with nothing but ``rows``."""
    return dataset.without(np.setdiff1d(np.arange(len(dataset)), rows))


def aligned_labels(dataset: Dataset, rows: np.ndarray, task: Task) -> np.ndarray:
    """Return labels in the model's order of classes: by name, never by position."""
    assert dataset.task is not None
    labels = dataset.labels(rows)
    if task.kind == "regression":
        return labels
    unknown = sorted(set(dataset.task.classes) - set(task.classes))
    if unknown:
        raise UserError(
            f"{dataset.name} has classes that the model does not know ({', '.join(unknown)}); "
            f"the model knows: {', '.join(task.classes)}."
        )
    place = np.array([task.classes.index(name) for name in dataset.task.classes])
    if task.kind == "classification":
        return place[labels]
    aligned = np.zeros((len(labels), task.n_outputs), dtype=labels.dtype)
    aligned[:, place] = labels
    return aligned
