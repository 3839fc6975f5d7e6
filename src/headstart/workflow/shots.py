"""Fewer labels than there are: what would transfer do with a handful per class?"""

from __future__ import annotations

import numpy as np

from headstart.data import Dataset
from headstart.errors import UserError


def draw_shots(dataset: Dataset, shots: int, seed: int) -> np.ndarray:
    """Return ``shots`` training rows of every class, drawn by ``seed``, ascending."""
    rows = dataset.splits["train"]
    labels = dataset.labels(rows)
    random = np.random.default_rng([seed, shots])
    drawn = [random.permutation(rows[labels == label])[:shots] for label in np.unique(labels)]
    return np.sort(np.concatenate(drawn))


def check_shots(dataset: Dataset, shots: int | None) -> None:
    """Refuse ``--shots`` where it has no meaning, or where a class has not so many."""
    if shots is None or dataset.task is None:
        return
    if not dataset.task.label_space.one_class:
        raise UserError(f"--shots {shots} counts labels per class, and {dataset.name} is a {dataset.task.kind} task.")
    if shots < 2:
        raise UserError("--shots is 1; at least 2 labels per class are needed to compare arms by cross-validation.")
    counts = np.bincount(dataset.labels(dataset.splits["train"]), minlength=dataset.task.n_outputs)
    if counts.min() < shots:
        least = dataset.task.classes[int(counts.argmin())]
        raise UserError(
            f"--shots {shots} asks for more labels than the class '{least}' has in the training split "
            f"({counts.min()}); give at most {counts.min()}."
        )
