"""Few samples without a test part of their own: each is judged once, by a model that never saw it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from headstart.data.checks import Checks
from headstart.data.dataset import Dataset
from headstart.data.splits import make_splits
from headstart.problem import Task

FOLDS = 5


def is_few(task: Task, n: int, given: np.ndarray | None) -> bool:
    """Whether a test part that is made would hold too few samples to say anything."""
    return given is None and n < task.label_space.crossed_below


def crossed_splits(n: int) -> dict[str, np.ndarray]:
    """Return splits that set nothing apart: every row learns, and is judged by the models that it did not teach."""
    return {"train": np.arange(n), "validation": np.zeros(0, np.int64), "test": np.zeros(0, np.int64)}


def words(task: Task, n: int) -> str:
    return (
        f"none were given, and below {task.label_space.crossed_below} pictures none are made: each picture is judged "
        f"once, by one of {min(FOLDS, n)} models that never saw it; --test with more of them says more"
    )


def is_crossed(dataset: Dataset) -> bool:
    """Whether the samples that learn are those that judge, each in its turn."""
    if dataset.task is None or dataset.given_splits or not dataset.task.label_space.crossed_below:
        return False
    return not len(dataset.splits["validation"]) and not len(dataset.splits["test"])


def n_folds(dataset: Dataset) -> int:
    """Return in how many parts crossed data are judged; 0 where they are not crossed."""
    if not is_crossed(dataset):
        return 0
    return min(FOLDS, len(dataset) if dataset.group is None else len(np.unique(dataset.group)))


def together(dataset: Dataset, checks: Checks) -> Dataset:
    """Return crossed data whose duplicates lie in one fold, so that no model is judged by a picture that it has seen.

    Groups that were given stay as they are.
    """
    alike = [names for kind in ("exact", "near") for names in checks.duplicates.get(kind, [])]
    if not is_crossed(dataset) or dataset.group is not None or not alike:
        return dataset
    number = np.arange(len(dataset))
    place = {name: row for row, name in enumerate(dataset.names(number))}
    for names in alike:
        rows = [place[name] for name in names]
        number[np.isin(number, number[rows])] = number[rows[0]]
    found = np.unique(number, return_inverse=True)[1].ravel()
    return dataset if found.max() == 0 else replace(dataset, group=found)


def set_apart(dataset: Dataset, seed: int) -> Dataset:
    """Return crossed data with a test part after all, for what is fitted once and compared with nothing."""
    if not is_crossed(dataset):
        return dataset
    assert dataset.task is not None
    labels = dataset.labels(np.arange(len(dataset)))
    return dataset.with_splits(make_splits(dataset.task, labels, None, dataset.group, seed))
