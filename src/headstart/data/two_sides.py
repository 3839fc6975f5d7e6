"""`open_pairs`: two sides of the same samples, such as a picture and its caption, each a data set of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from headstart.data.assembling import table_columns
from headstart.data.blind import HELD_OUT, MOST_HELD_OUT, from_frame
from headstart.data.blind import frame_of_data as read_frame
from headstart.data.checking import check
from headstart.data.checks import Checks
from headstart.data.columns import LABEL_NAMES, require_column
from headstart.data.dataset import Dataset
from headstart.data.frame import Frame
from headstart.data.inputs import Records
from headstart.errors import UserError

LEAST = 20
SHARED = 0.05
"""Of all pairs, what may hang together by a side and still be kept together."""


def open_pairs(
    data: Any,
    left: str | None,
    right: str | None,
    *,
    label: str | None = None,
    text: str | None = None,
    image: str | None = None,
    seed: int = 0,
    allow_damaged: bool = False,
) -> tuple[Dataset, Dataset, Checks]:
    """Return both sides, row by row, in the same splits, and what was found in them.

    A tenth of the pairs (at most 1,000) are held out as the split "test". Pairs that share a side, such as five
    captions of one picture, lie on one side of it where that leaves something to split (`_groups`).

    Parameters
    ----------
    data : a table. left, right : columns, several joined by commas; None for a table of two columns.
    label : a column that is no part of either side. text, image : columns of a side that hold texts, or pictures.

    Raises
    ------
    UserError
        For data that are no table, columns that are lacking, named twice or empty, and fewer than 20 pairs.
    """
    frame, origin = read_frame(data)
    if frame is None:
        raise UserError(f"{origin or data} is no table; pairs are a CSV, Parquet or JSON lines file, a row for each.")
    sides = _columns(frame, origin, left, right, label)
    for option, name in (("--text", text), ("--image", image)):
        if name is not None and name not in {*sides[0], *sides[1]}:
            raise UserError(
                f"{option} {name[:100]} is a column of neither side; those are {', '.join(sides[0] + sides[1])}."
            )
    first, second = (_side(frame, origin, one, text, image) for one in sides)
    first, second, checks = _whole(first, second, allow_damaged)
    if len(first) < LEAST:
        raise UserError(f"{origin} has {len(first)} pairs; {LEAST} or more are needed to learn from.")
    for side in (first, second):
        if not contents(side).any():
            raise UserError(
                f"{origin} has the same in '{side.inferred['side']}' of all {len(first):,} pairs, so that nothing "
                "tells one from another; give pairs that differ on both sides."
            )
    splits = _splits(first, second, seed)
    note = f"a tenth of the pairs is held out to measure on, drawn with seed {seed}"
    first, second = (_fitted(side, splits, note) for side in (first, second))
    return first, second, replace(checks, sizes={name: len(rows) for name, rows in splits.items() if len(rows)})


def contents(dataset: Dataset) -> np.ndarray:
    """Return a number per row [n], equal where contents are."""
    return np.unique(dataset.digests(), axis=0, return_inverse=True)[1].ravel()


def _columns(
    frame: Frame, origin: str, left: str | None, right: str | None, label: str | None
) -> tuple[list[str], list[str]]:
    names = list(frame.columns.names)
    taken = [require_column(part.strip(), names, origin, "--label") for part in label.split(",")] if label else []
    if left is None or right is None:
        free = [n for n in names if n not in taken and (taken or n.lower() not in LABEL_NAMES) and n.lower() != "split"]
        if len(free) != 2:
            raise UserError(
                f"{origin} has {len(free)} columns beside labels ({', '.join(free)[:200]}), and pairs have two sides; "
                "name each side's with --left and --right, several joined by commas."
            )
        return [free[0]], [free[1]]
    found = []
    for option, given in (("--left", left), ("--right", right)):
        wanted = [given] if given in names else [part.strip() for part in given.split(",")]
        found.append([require_column(name, names, origin, option) for name in wanted])
    twice = [name for name in found[0] + found[1] if (found[0] + found[1]).count(name) > 1 or name in taken]
    if twice:
        raise UserError(f"The column '{twice[0]}' is named twice; it belongs to one side of the pairs alone.")
    return found[0], found[1]


def _side(frame: Frame, origin: str, columns: Sequence[str], text: str | None, image: str | None) -> Dataset:
    others = tuple(name for name in frame.columns.names if name not in columns)
    for name in columns if len(columns) == 1 else ():
        missing = np.flatnonzero(pc.is_null(frame.columns.table.column(name), nan_is_null=True).to_numpy())  # type: ignore[attr-defined]
        if len(missing):
            row = frame.row_names(missing[:1])[0]
            raise UserError(
                f"{row} has nothing in the column '{name}' ({len(missing)} rows lack it), and a pair has two sides; "
                "fill it, or take the row out."
            )
    read = {"text": text if text in columns else None, "image": image if image in columns else None}
    found = from_frame(frame, origin, others, None, **read)
    notes = {name: why for name, why in found.inferred.items() if name != "left out"}
    return replace(found, inferred={"side": ", ".join(columns)} | notes)


def _whole(first: Dataset, second: Dataset, allow_damaged: bool) -> tuple[Dataset, Dataset, Checks]:
    """Return the pairs whose both sides can be read."""
    every = np.arange(len(first))
    empty = {"train": every}
    sound, checks = check(first.with_splits(empty), allow_damaged=allow_damaged)
    second = second.without(np.setdiff1d(every, sound.stored(np.arange(len(sound)))))
    rest = np.arange(len(second))
    both, more = check(second.with_splits({"train": rest}), allow_damaged=allow_damaged)
    kept = np.isin(second.stored(rest), both.stored(np.arange(len(both))))
    sound = sound.without(np.flatnonzero(~kept))
    damaged, odd = [*checks.damaged, *more.damaged], [*checks.odd, *more.odd]
    warnings = [*checks.warnings, *more.warnings]
    if damaged:
        count = f"{len(damaged)} of {len(first):,} pairs are left out"
        warnings.append(f"{count}, since a side cannot be read: {damaged[0]['name']}.")
    return sound, both, replace(checks, damaged=damaged, odd=odd, warnings=warnings)


def _groups(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return numbers of groups that no split cuts.

    Pairs that share a side, also by way of others; where that is over a twentieth of all (ten words for thousands of
    pictures), those that share the side with more different contents.
    """
    n = len(first)
    most = max(1, SHARED * n)
    shape = (n + first.max() + 1 + second.max() + 1,) * 2
    rows = np.arange(n)
    ends = [n + first, n + first.max() + 1 + second]
    graph = coo_array((np.ones(2 * n), (np.tile(rows, 2), np.concatenate(ends))), shape=shape)
    found = connected_components(graph, directed=False)[1][:n]
    if np.bincount(found).max() <= most:
        return np.unique(found, return_inverse=True)[1]
    side = first if first.max() >= second.max() else second
    return side if np.bincount(side).max() <= most else rows


def _splits(first: Dataset, second: Dataset, seed: int) -> dict[str, np.ndarray]:
    groups = _groups(contents(first), contents(second))
    sizes, wanted = np.bincount(groups), max(2, min(MOST_HELD_OUT, round(HELD_OUT * len(groups))))
    order = np.random.default_rng(seed).permutation(len(sizes))
    taken = order[np.cumsum(sizes[order]) <= wanted]
    held = np.isin(groups, taken if len(taken) else order[:1])
    return {"train": np.flatnonzero(~held), "validation": np.zeros(0, np.int64), "test": np.flatnonzero(held)}


def _fitted(side: Dataset, splits: dict[str, np.ndarray], note: str) -> Dataset:
    side = replace(side.with_splits(splits), inferred=side.inferred | {"splits": note})
    if not isinstance(side.inputs, Records):
        return side
    readings = {} if side.columns is None else side.columns.readings
    return replace(side, columns=table_columns(side.inputs.columns, side.stored(splits["train"]), readings))
