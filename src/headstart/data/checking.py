"""`check`: one pass over all samples before anything is learned from them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from headstart.data import duplicates
from headstart.data.checks import Checks, more
from headstart.data.dataset import SPLITS, Dataset
from headstart.data.leaks import likely_leaks
from headstart.data.requirements import require_splits
from headstart.data.scanning import Scan
from headstart.errors import UserError
from headstart.isolated import isolate

MOST_DAMAGED = 0.05
LISTED = 100
NAMED = 10


@isolate
def check(dataset: Dataset, *, allow_damaged: bool = False) -> tuple[Dataset, Checks]:
    """Decode every sample once, in a stream, and return the data without the damaged ones, and the findings.

    Images are decoded by several threads. Exact duplicates have the same content; near ones look the same
    (`duplicates.near_pictures`) or read the same without case, punctuation and spacing.

    Raises
    ------
    UserError
        If over 5% are damaged and that is not allowed, or if a class loses its last training sample by it.
    """
    scan = Scan(dataset)
    scan.run()
    _require_whole(dataset, scan.damaged, allow_damaged)
    damaged = [{"name": dataset.names([row])[0], "reason": reason} for row, reason in scan.damaged.items()]
    whole = dataset.without(np.array(list(scan.damaged), np.int64))
    if whole.task is not None and scan.damaged and len(dataset.splits["train"]):
        require_splits(whole.task, whole.labels(np.arange(len(whole))), whole.splits, whole.origin)
    odd, odd_counts = _odd(dataset, scan.odd)
    counts = _counts(whole)
    sizes = {name: len(whole.splits[name]) for name in counts}
    keep = np.ones(len(dataset), bool)
    keep[list(scan.damaged)] = False
    exact = duplicates.same(whole.digests())
    found = _duplicates(whole, exact, scan.near_groups(keep, exact))
    return whole, Checks(
        counts, _imbalance(counts), sizes, damaged, odd, odd_counts, found, [*whole.warnings, *likely_leaks(whole)]
    )


def _require_whole(dataset: Dataset, damaged: dict[int, str], allowed: bool) -> None:
    share = len(damaged) / max(len(dataset), 1)
    if not damaged or (share <= MOST_DAMAGED) or (allowed and share < 1):
        return
    rows = list(damaged)[:3]
    first = "; ".join(f"{name}: {damaged[row]}" for row, name in zip(rows, dataset.names(rows), strict=True))
    advice = "give --allow-damaged to leave them out" if share < 1 else "nothing is left"
    raise UserError(
        f"{len(damaged)} of the {len(dataset)} samples of {dataset.origin} are damaged ({first}"
        f"{more(len(damaged), 3)}), more than {MOST_DAMAGED:.0%}; repair them, or {advice}."
    )


def _odd(dataset: Dataset, odd: dict[str, list[int]]) -> tuple[list[dict], dict[str, int]]:
    entries = [
        {"name": name, "what": what}
        for what, rows in odd.items()
        for name in dataset.names(rows[:LISTED])
    ]  # fmt: skip
    return entries, {what: len(rows) for what, rows in odd.items()}


def _counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    task = dataset.task
    filled = {name: rows for name, rows in dataset.splits.items() if len(rows)}
    if task is None:
        return {name: {"rows": len(rows)} for name, rows in filled.items()}
    return {name: task.label_space.counts(dataset.labels(rows)) for name, rows in filled.items()}


def _imbalance(counts: dict[str, dict[str, int]]) -> float:
    train = Counter(counts.get("train", {})).values()
    return float(max(train) / max(min(train), 1)) if train else 1.0


def _duplicates(dataset: Dataset, exact: np.ndarray, near: np.ndarray | None) -> dict[str, Any]:
    same = duplicates.groups(exact)
    alike = [] if near is None else [rows for rows in duplicates.groups(near) if len(set(exact[rows])) > 1]
    place = _split_of(dataset)
    across = [rows for rows in same + alike if len(set(place[rows])) > 1]
    return {
        "exact": [dataset.names(rows[:NAMED]) for rows in same[:LISTED]],
        "near": [dataset.names(rows[:NAMED]) for rows in alike[:LISTED]],
        "across_splits": [_with_splits(dataset, _one_of_each(rows, place), place) for rows in across[:LISTED]],
        "n_exact": len(same),
        "n_near": len(alike),
        "n_across_splits": len(across),
        "n_conflicting": sum(_conflicts(dataset, rows) for rows in same),
    }


def _one_of_each(rows: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return at most ten rows, with one of every split that the group reaches among the first."""
    first = np.unique(place[rows], return_index=True)[1]
    others = np.setdiff1d(np.arange(len(rows)), first)
    return rows[np.concatenate([first, others])][:NAMED]


def _with_splits(dataset: Dataset, rows: np.ndarray, place: np.ndarray) -> list[str]:
    return [f"{name} ({SPLITS[place[row]]})" for row, name in zip(rows, dataset.names(rows), strict=True)]


def _split_of(dataset: Dataset) -> np.ndarray:
    place = np.zeros(len(dataset), np.int64)
    for number, name in enumerate(SPLITS):
        place[dataset.splits[name]] = number
    return place


def _conflicts(dataset: Dataset, rows: np.ndarray) -> bool:
    if dataset.task is None or dataset.targets is None:
        return False
    labels = dataset.labels(rows)
    return bool((labels != labels[0]).any())
