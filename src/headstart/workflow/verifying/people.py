"""People to learn from, to choose by and to measure on: nobody is in two of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from headstart.data import Checks, Dataset
from headstart.data.dataset import SPLITS
from headstart.errors import UserError

MEASURED, CHOOSING = 0.5, 0.2
"""Of the people: half are measured on, and a fifth chooses the arm and sets the threshold."""
MOST = {"validation": 200, "test": 500}
"""People, whose pairs a table of similarities still holds."""
LEAST = 8


def split_people(dataset: Dataset, seed: int) -> Dataset:
    """Return the data with whole people as splits, drawn by ``seed``.

    Who has a single picture has no genuine pair, and learns.

    Raises
    ------
    UserError
        Where the labels are no names, or too few people have two pictures.
    """
    task = dataset.task
    if task is None or not task.label_space.one_class:
        kind = "no labels" if task is None else f"a {task.kind} task"
        raise UserError(
            f"--task verification asks who is who, and {dataset.name} has {kind}; give one name per sample, such as a "
            "folder per person."
        )
    if dataset.group is not None:
        raise UserError("--group keeps samples together, and here whole people are kept apart; leave --group out.")
    labels = dataset.labels(np.arange(len(dataset)))
    counts = np.bincount(labels, minlength=task.n_outputs)
    several = np.flatnonzero(counts >= 2)
    if len(several) < LEAST:
        raise UserError(
            f"{dataset.name} has {len(several)} people with two pictures or more; verification needs {LEAST} of them, "
            "to learn from some, choose by others and measure on others still."
        )
    drawn = np.random.default_rng([seed, len(several)]).permutation(several)
    n_test = min(MOST["test"], round(MEASURED * len(several)))
    n_chosen = min(MOST["validation"], max(2, round(CHOOSING * len(several))))
    parts = {"test": drawn[:n_test], "validation": drawn[n_test : n_test + n_chosen]}
    parts["train"] = np.setdiff1d(np.arange(task.n_outputs), np.concatenate([parts["test"], parts["validation"]]))
    return dataset.with_splits({name: np.flatnonzero(np.isin(labels, parts[name])) for name in SPLITS})


def split_checks(dataset: Dataset, checks: Checks) -> Checks:
    """Return what was found in the data, counted by the splits of people."""
    assert dataset.task is not None
    space = dataset.task.label_space
    counts = {name: space.counts(dataset.labels(rows)) for name, rows in dataset.splits.items()}
    counts = {name: {key: n for key, n in found.items() if n} for name, found in counts.items()}
    return replace(checks, counts=counts, sizes={name: len(rows) for name, rows in dataset.splits.items()})
