"""Classes to learn from, to choose by and to measure on: none is in two of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from headstart.data import Checks, Dataset
from headstart.data.dataset import SPLITS
from headstart.errors import UserError

Array = np.ndarray
SHARES = {"validation": 0.16, "test": 0.2}
"""Of the classes; 64% learn, as in miniImageNet."""
QUERIES = 15
"""Samples per class that an episode asks about, where there are so many."""


def split_classes(dataset: Dataset, ways: int, shots: int, seed: int) -> Dataset:
    """Return the data with whole classes as splits, drawn by ``seed``; classes that share a group stay together.

    Classes with too few samples for an episode learn. Given splits that share no class stay.

    Raises
    ------
    UserError
        Where there are too few classes for three splits of ``ways`` each, or no class has enough samples.
    """
    task = dataset.task
    if task is None or not task.label_space.one_class:
        kind = "no labels" if task is None else f"a {task.kind} task"
        raise UserError(f"Episodes are of classes, and {dataset.name} has {kind}; give data with one class per sample.")
    if dataset.given_splits and _are_apart(dataset):
        return dataset
    labels = dataset.labels(np.arange(len(dataset)))
    counts = np.bincount(labels, minlength=task.n_outputs)
    enough = int((counts > shots).sum())
    if enough == 0:
        raise UserError(
            f"--shots {shots} leaves nothing to ask about: the largest class of {dataset.name} "
            f"('{task.classes[int(counts.argmax())]}') has {counts.max()} samples; give at most {counts.max() - 1}."
        )
    if enough < 3 * ways:
        raise UserError(
            f"--ways {ways} needs {3 * ways} classes with more than {shots} samples, {ways} each to learn from, to "
            f"choose by and to measure on, and {dataset.name} has {enough}"
            + (f"; give at most --ways {enough // 3}." if enough >= 6 else "; give more classes.")
        )
    whole = np.flatnonzero(counts >= shots + queries_of(counts, ways, shots))
    parts = _draw(_units(whole, labels, dataset.group), ways, np.random.default_rng([seed, len(whole)]))
    parts["train"] = np.setdiff1d(np.arange(task.n_outputs), np.concatenate([parts["validation"], parts["test"]]))
    if len(np.intersect1d(parts["train"], whole)) < ways:
        raise UserError(
            f"The groups of {dataset.name} hold so many classes together that fewer than --ways {ways} are left to "
            "learn from; give more classes, or smaller groups."
        )
    return dataset.with_splits({name: np.flatnonzero(np.isin(labels, parts[name])) for name in SPLITS})


def _are_apart(dataset: Dataset) -> bool:
    parts = [np.unique(dataset.labels(rows)) for rows in dataset.splits.values()]
    return all(map(len, parts)) and len(np.unique(np.concatenate(parts))) == sum(map(len, parts))


def _units(classes: Array, labels: Array, group: Array | None) -> list[Array]:
    """Return classes that stay together: those joined by groups, else each alone."""
    if group is None:
        return [np.array([number]) for number in classes]
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    k = int(labels.max()) + 1
    edges = coo_matrix((np.ones(len(labels)), (labels, k + group)), shape=(k + group.max() + 1,) * 2)
    component = connected_components(edges, directed=False)[1][classes]
    return [classes[component == number] for number in np.unique(component)]


def _draw(units: list[Array], ways: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return the classes of validation and test: shares of all, ``ways`` at least."""
    n, order, parts = sum(map(len, units)), list(rng.permutation(len(units))), {}
    for name, share in SHARES.items():
        taken: list[Array] = []
        while sum(map(len, taken)) < max(ways, round(share * n)) and order:
            taken.append(units[order.pop()])
        parts[name] = np.concatenate(taken) if taken else np.zeros(0, np.int64)
    return parts


def split_checks(dataset: Dataset, checks: Checks) -> Checks:
    """Return what was found in the data, counted by the splits of classes."""
    assert dataset.task is not None
    space = dataset.task.label_space
    counts = {name: space.counts(dataset.labels(rows)) for name, rows in dataset.splits.items()}
    counts = {name: {key: n for key, n in found.items() if n} for name, found in counts.items()}
    sizes = {name: len(rows) for name, rows in dataset.splits.items()}
    return replace(checks, counts=counts, sizes=sizes)


def queries_of(counts: Array, ways: int, shots: int) -> int:
    """Return how many samples per class an episode asks about, at most 15.

    As many as half of the classes have, and as three splits of ``ways`` classes have.

    Parameters
    ----------
    counts : samples of each class.

    Examples
    --------
    >>> queries_of(np.array([20, 20, 9, 8, 7, 2]), ways=1, shots=2)
    7
    """
    needed = max(3 * ways, len(counts) // 2)
    return int(np.clip(np.sort(counts)[::-1][:needed].min() - shots, 1, QUERIES))
