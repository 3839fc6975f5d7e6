"""Train, validation and test: stratified, seeded, and never through a group."""

from __future__ import annotations

import warnings

import numpy as np

from headstart.data.dataset import SPLITS, Dataset
from headstart.errors import UserError
from headstart.problem import Task

VALIDATION_ROWS = 100
VALIDATION_PER_CLASS = 5
SHARE = 0.2

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}


def given_as_test(given: np.ndarray) -> np.ndarray:
    """Return given splits in which a validation part without a test part is the test.

    The verdict needs samples that nothing has seen, as many as there are: a fifth of the training part would be fewer,
    and lost for training. Arms are then compared inside the training part.
    """
    return np.where(given == 1, np.int8(2), given) if (given == 1).any() and not (given == 2).any() else given


def make_splits(
    task: Task, targets: np.ndarray, given: np.ndarray | None, group: np.ndarray | None, seed: int
) -> dict[str, np.ndarray]:
    """Return the rows of each split.

    Given splits are kept; what is missing is taken from the training part: a fifth for the test, then a fifth
    (a quarter, where nothing was given: 60/20/20) for the validation, which is made only where it would have
    at least 100 samples and, in classification, 5 of every class.

    Parameters
    ----------
    targets : labels as encoded: [n], [n, classes] or [n, targets].
    given : number of the split per row (0 train, 1 validation, 2 test), or None.
    group : group number per row, or None.
    seed : the same seed gives the same splits.
    """
    layers = task.label_space.strata(targets)
    code = np.zeros(len(layers), np.int8) if given is None else given.copy()
    rng = np.random.default_rng(seed)
    if not (code == 2).any():
        train = np.flatnonzero(code == 0)
        code[train[_carve(layers, group, train, SHARE, rng)]] = 2
    if not (code == 1).any() and (group is None or len(np.unique(group[code == 0])) > 1):
        share = SHARE / (1 - SHARE) if given is None else SHARE
        train = np.flatnonzero(code == 0)
        chosen = train[_carve(layers, group, train, share, rng)]
        if _is_enough(task, targets[chosen]):
            code[chosen] = 1
    return {name: np.flatnonzero(code == number) for number, name in enumerate(SPLITS)}


def _is_enough(task: Task, targets: np.ndarray) -> bool:
    if len(targets) < VALIDATION_ROWS:
        return False
    space = task.label_space
    return not space.one_class or all(n >= VALIDATION_PER_CLASS for n in space.counts(targets).values())


def _carve(
    layers: np.ndarray, group: np.ndarray | None, rows: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Return which of ``rows`` (bool) go into a new split of about ``share`` of them."""
    if group is not None:
        return _fold_of_groups(layers[rows], group[rows], round(1 / share), int(rng.integers(2**31)))[0] == 0
    rank = _ranks(layers[rows], rng)
    _, inverse, counts = np.unique(layers[rows], return_inverse=True, return_counts=True)
    # rounding the running sum keeps the total at the share; every stratum keeps a row on either side if it has two,
    # and its only row, where the upper bound is the one that holds
    quota = np.clip(np.diff(np.rint(share * np.cumsum(counts)), prepend=0), 1, counts - 1)
    return rank < quota[inverse]


def _ranks(layers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return each row's place in a random order of its stratum."""
    shuffled = rng.permutation(len(layers))
    order = shuffled[np.argsort(layers[shuffled], kind="stable")]
    _, first, counts = np.unique(layers[order], return_index=True, return_counts=True)
    rank = np.empty(len(layers), np.int64)
    rank[order] = np.arange(len(layers)) - np.repeat(first, counts)
    return rank


def _fold_of_groups(layers: np.ndarray, group: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, int]:
    """Return the fold of each row (no group in two folds, strata balanced) and the number of folds."""
    from sklearn.model_selection import StratifiedGroupKFold

    groups = len(np.unique(group))
    if groups < 2:
        raise UserError("All rows to split belong to one group only; a split needs at least two, so leave --group out.")
    k = min(k, groups)
    fold = np.zeros(len(layers), np.int64)
    balance = layers if np.bincount(np.unique(layers, return_inverse=True)[1]).max() >= k else np.zeros_like(layers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # fewer members in a class than folds: wanted here
        cut = StratifiedGroupKFold(k, shuffle=True, random_state=seed).split(layers, balance, group)
        for number, (_, chosen) in enumerate(cut):
            fold[chosen] = number
    return fold, k


def folds(dataset: Dataset, k: int = 3, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut the training split for cross-validation.

    Parameters
    ----------
    k : number of folds, at most the number of training rows (of groups, where there are groups).

    Returns
    -------
    list of (training rows, validation rows)
        The validation parts do not overlap. They are stratified; a class with a single training row stays
        in every training part, so that no fold trains without it.
    """
    rows = dataset.splits["train"]
    if dataset.task is None or dataset.targets is None or len(rows) < 2:
        raise UserError(f"{dataset.name} has no labelled training rows to cross-validate on.")
    layers = dataset.task.label_space.strata(dataset.targets[dataset.stored(rows)])
    rng = np.random.default_rng(seed)
    if dataset.group is not None:
        fold, k = _fold_of_groups(layers, dataset.group[rows], k, int(rng.integers(2**31)))
    else:
        space = dataset.task.label_space
        keep_single = space.of_classes and space.reads != "objects"  # whose strata are no classes
        fold, k = _stratified_folds(layers, min(k, len(rows)), keep_single, rng)
    parts = [(rows[fold != number], rows[fold == number]) for number in range(k)]
    return [(train, validation) for train, validation in parts if len(train) and len(validation)]


def _stratified_folds(
    layers: np.ndarray, k: int, keep_single: bool, rng: np.random.Generator
) -> tuple[np.ndarray, int]:
    _, inverse, counts = np.unique(layers, return_inverse=True, return_counts=True)
    rank = _ranks(layers, rng)
    order = np.lexsort((rank, layers))
    fold = np.empty(len(layers), np.int64)
    fold[order] = np.arange(len(layers)) % k  # strata one after another: folds differ by at most one row
    return np.where(keep_single & (counts[inverse] == 1), -1, fold), k
