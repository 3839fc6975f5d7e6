"""What labels and splits must have before anything is learned from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.data.dataset import SPLITS
from headstart.errors import UserError
from headstart.problem import Task


def require_splits(task: Task, targets: np.ndarray, splits: dict[str, np.ndarray], place: str) -> None:
    """Refuse a training split that lacks a class, which can only come from groups or from damage."""
    if not task.label_space.one_class:
        return
    present = classes_in(task, targets[splits["train"]])
    lacking = [name for name in task.classes if name not in present]
    if lacking:
        raise UserError(
            f"The training split of {place} has no sample of {_list(lacking)}; add samples of it, "
            "or leave --group out if all of them lie in one group."
        )


def require_classes(task: Task, targets: np.ndarray, given: np.ndarray | None, place: str) -> None:
    """Refuse what the label space refuses, a class with one sample, and class sets that differ between given splits."""
    refused = task.label_space.refused(targets)
    if refused:
        raise UserError(f"{place} {refused}.")
    if not task.label_space.of_classes:
        return
    if given is not None:
        _require_same_classes(task, targets, given, place)
    counts = class_counts(task, targets)
    single = [name for name, count in zip(task.classes, counts, strict=True) if count == 1]
    if single:
        raise UserError(
            f"{place} has one sample only of {_list(single)}, and a class needs at least two (one to learn from, "
            "one to test on); add samples or take the class out."
        )


def class_counts(task: Task, targets: np.ndarray) -> np.ndarray:
    """Return the number of samples of each class [classes]."""
    return np.array([*task.label_space.counts(targets).values()], dtype=np.int64)


def classes_in(task: Task, targets: np.ndarray) -> set[str]:
    counts = class_counts(task, targets)
    return {name for name, count in zip(task.classes, counts, strict=True) if count}


def _require_same_classes(task: Task, targets: np.ndarray, given: np.ndarray, place: str) -> None:
    train = classes_in(task, targets[given == 0])
    for number in (1, 2):
        if not (given == number).any():
            continue
        other = classes_in(task, targets[given == number])
        # a rare label may be absent from a small multi-label test; one that training never saw may not
        if other - train or (task.label_space.one_class and train - other):
            raise UserError(
                f"The classes of {place} differ between splits: train has {_list(sorted(train))}; "
                f"{SPLITS[number]} has {_list(sorted(other))}; give every split the same classes."
            )


def require_whole_groups(group: np.ndarray, given: np.ndarray, names: Sequence[str], place: str) -> None:
    """Refuse given splits that a group straddles; ``names`` are the groups' names by number."""
    present = np.zeros((len(names), len(SPLITS)), bool)
    present[group, given] = True
    straddling = [names[int(number)] for number in np.flatnonzero(present.sum(axis=1) > 1)]
    if straddling:
        raise UserError(
            f"{len(straddling)} groups of {place} lie in more than one of its splits ({_list(straddling[:3])}); "
            "move each into one split, or leave --group out."
        )


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:50])
    return shown if len(names) <= 50 else f"{shown} and {len(names) - 50} more"
