"""Several label columns of one table, each a task of its own; a label may be missing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.data.blind import frame_of_data, open_blind
from headstart.data.dataset import Dataset
from headstart.data.frame import Frame
from headstart.data.labels import LabelSource, encode_labels
from headstart.data.material import label_column
from headstart.errors import UserError
from headstart.problem import Task

LEAST = 10


@dataclass(frozen=True)
class Labels:
    """One task of a data set: its labels per row as opened, and which rows have one."""

    task: Task
    values: np.ndarray
    given: np.ndarray
    reason: str


def open_several(
    data: Any,
    labels: Sequence[str],
    *,
    modality: str | None = None,
    text: str | None = None,
    image: str | None = None,
    seed: int = 0,
) -> tuple[Dataset, dict[str, Labels]]:
    """Open a table with several label columns, none of which is an input; splits 60/20/20 are the same for all tasks.

    Raises
    ------
    UserError
        If the data are no table, a column is named twice, or a task has fewer than 10 labels or one class only.
    """
    twice = [name for name in labels if list(labels).count(name) > 1]
    if twice:
        raise UserError(f"--label {twice[0]} is given twice; name every column once.")
    frame, origin = frame_of_data(data)
    if frame is None:
        raise UserError(
            f"{origin or data} has no columns, and several --label name some; give a table (of paths of pictures, with "
            "--image, where samples are files)."
        )
    base = open_blind(data, label=labels, modality=modality, text=text, image=image, seed=seed)
    return split_alike(base, {name: labels_of(frame, name) for name in labels}, seed)


def split_alike(
    base: Dataset, found: dict[str, Labels], seed: int, sizes: Sequence[int] = ()
) -> tuple[Dataset, dict[str, Labels]]:
    """Return the samples split 60/20/20, the same for all tasks, each of which has enough labels in every split.

    Parameters
    ----------
    sizes : rows of data sets that lie one after another, each of which is split by itself; by default one of all rows.
    """
    rng, ends = np.random.default_rng(seed), np.cumsum([0, *(sizes or (len(base),))])
    drawn: dict[str, list[np.ndarray]] = {"test": [], "validation": [], "train": []}
    for start, end in itertools.pairwise(ends.tolist()):
        order, fifth = start + rng.permutation(end - start), max(1, (end - start) // 5)
        for name, part in zip(drawn, np.split(order, [fifth, 2 * fifth]), strict=True):
            drawn[name].append(part)
    parts = {name: np.concatenate(some) for name, some in drawn.items()}
    base = base.with_splits({name: np.sort(part) for name, part in parts.items()})
    base.inferred["splits"] = f"60/20/20, the same for all tasks, drawn with seed {seed}"
    for name, one in found.items():
        _require_enough(base, name, one)
    return base, found


def of_task(base: Dataset, labels: Labels) -> Dataset:
    """Return the data set of one task: its rows that have a label, in the same splits."""
    given = labels.given[base.stored(np.arange(len(base)))]
    splits = {name: rows[given[rows]] for name, rows in base.splits.items()}
    return replace(base.with_splits(splits), task=labels.task, targets=labels.values)


def labels_of(frame: Frame, name: str, kind: str | None = None) -> Labels:
    """Return a label column's task, ``kind`` or what it looks like, and which rows have a label."""
    column = label_column(frame, name)
    given = ~pc.is_null(column, nan_is_null=True).to_numpy()  # type: ignore[attr-defined]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        filled = column.fill_null("")
        given &= ~pc.equal(pc.utf8_trim_whitespace(filled), "").to_numpy()  # type: ignore[attr-defined]
    rows = np.flatnonzero(given)
    if len(rows) < LEAST:
        raise UserError(f"The label '{name}' is given in {len(rows)} rows; {LEAST} or more are needed to learn it.")
    names = {name: frame.class_names[name]} if name in frame.class_names else {}
    source = LabelSource({name: column.filter(pa.array(given))}, lambda at: frame.row_names(rows[at]), names)
    encoded = encode_labels(source, kind)
    shape = (len(given), *encoded.labels.shape[1:])
    values = np.zeros(shape, dtype=encoded.labels.dtype)
    values[rows] = encoded.labels
    return Labels(encoded.task, values, given, encoded.reason)


def _require_enough(base: Dataset, name: str, labels: Labels) -> None:
    own = of_task(base, labels)
    for split in ("train", "validation", "test"):
        if len(own.splits[split]) < 2:
            raise UserError(
                f"The label '{name}' is given in {len(own.splits[split])} rows of the {split} split; several tasks "
                "need 2 or more there: give more labels."
            )
    reason = labels.task.label_space.refused(own.labels(own.splits["train"]))
    if reason:
        raise UserError(f"The label '{name}' {reason}.")
    if labels.task.label_space.one_class and len(np.unique(own.labels(own.splits["train"]))) < 2:
        raise UserError(f"The label '{name}' has one class only in its training rows; leave it out.")


def fingerprint_of(base: Dataset, labels: dict[str, Labels]) -> str:
    """Return a hash of the inputs, of every task's labels and of which are given."""
    state = blake2b(base.fingerprint.encode(), digest_size=16)
    for name, one in labels.items():
        state.update(repr((name, one.task.to_json())).encode())
        state.update(np.ascontiguousarray(one.values.astype("<f8")).tobytes() + one.given.tobytes())
    return state.hexdigest()
