"""Several data sets of one kind of input that share a body: rows one after another, each labelled for its own task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from headstart.data.arrow import Columns
from headstart.data.assembling import table_columns
from headstart.data.blind import frame_of_data, from_frame
from headstart.data.columns import choose_labels
from headstart.data.dataset import Dataset
from headstart.data.folder_names import printable
from headstart.data.inputs import Joined, Records
from headstart.data.opening import open_data
from headstart.data.several import Labels, labels_of, split_alike
from headstart.errors import UserError


class Part(NamedTuple):
    """One of the data sets: what it is called, its samples, and its labels by the name of their task."""

    name: str
    base: Dataset
    labels: dict[str, Labels]


def open_joined(
    data: Sequence[Any],
    labels: Sequence[str],
    *,
    modality: str | None = None,
    text: str | None = None,
    image: str | None = None,
    seed: int = 0,
) -> tuple[Dataset, dict[str, Labels]]:
    """Open data sets as one, whose rows have the labels of their own data set and lack the others'.

    Parameters
    ----------
    labels : columns of the tables among them, a task each; one that several tables have is one task. Without any, and
        for folders of classes, the task is called as the data set is.

    Raises
    ------
    UserError
        If one cannot be read, their inputs are of two kinds or share no column, one name means two tasks, or there is
        one task only.
    """
    parts = [_part(one, labels, modality, text, image) for one in data]
    absent = [name for name in labels if not any(name in part.labels for part in parts)]
    if absent:
        raise UserError(f"None of {_said(parts)} has a column '{absent[0]}', which --label names.")
    found = _joined_labels(parts)
    if len(found) < 2:
        raise UserError(
            f"{_said(parts)} have one task, {next(iter(found))}; put their rows into one table, or give data sets "
            "whose labels are of different tasks."
        )
    return split_alike(_joined_inputs(parts), found, seed, [len(part.base) for part in parts])


def _said(parts: Sequence[Part]) -> str:
    return ", ".join(part.name for part in parts)[:200]


def _part(data: Any, labels: Sequence[str], modality: str | None, text: str | None, image: str | None) -> Part:
    frame, origin = frame_of_data(data)
    name = printable(Path(origin).stem) or origin
    if frame is None:
        base = open_data(data, modality=modality)
        if base.task is None or base.targets is None:
            raise UserError(f"{origin} has no labels to learn; give labelled data sets.")
        n = len(base)
        own = Labels(base.task, base.targets[base.stored(np.arange(n))], np.ones(n, bool), "")
        return Part(name, base, {name: own})
    own_labels = [one for one in labels if one in frame.columns.names]
    if labels and not own_labels:
        raise UserError(f"{origin} has none of the columns that --label names ({', '.join(labels)[:200]}).")
    inferred: tuple[str, ...] = () if labels else choose_labels(frame, None, origin, {})
    base = from_frame(frame, origin, (*own_labels, *inferred), modality, text, image)
    found = {one: labels_of(frame, one) for one in own_labels}
    return Part(name, base, found or {name: labels_of(frame, next(iter(inferred)))})


def _joined_labels(parts: Sequence[Part]) -> dict[str, Labels]:
    """Return each task's labels over all rows."""
    found: dict[str, Labels] = {}
    ends = np.cumsum([0, *(len(part.base) for part in parts)])
    for part, start, end in zip(parts, ends, ends[1:], strict=False):
        for name, own in part.labels.items():
            values = np.zeros((int(ends[-1]), *own.values.shape[1:]), own.values.dtype)
            whole = found.setdefault(name, Labels(own.task, values, np.zeros(int(ends[-1]), bool), own.reason))
            _require_same_task(name, whole, own, part, next(one for one in parts if name in one.labels))
            whole.values[start:end], whole.given[start:end] = own.values, own.given
    return found


def _require_same_task(name: str, first: Labels, own: Labels, part: Part, other: Part) -> None:
    if first.task == own.task:
        return
    what = [one.task.kind if first.task.kind != own.task.kind else f"classes {', '.join(one.task.classes[:5])}"
            for one in (first, own)]  # fmt: skip
    if name == part.name == other.name:
        raise UserError(f"Two data sets are called {part.name}, and each names its task so; rename one of them.")
    raise UserError(
        f"The label '{name}' means {what[0][:200]} in {other.name} and {what[1][:200]} in {part.name}; rename one of "
        "the two columns, or leave --label out, so that each data set is a task of its own."
    )


def _joined_inputs(parts: Sequence[Part]) -> Dataset:
    """Return the samples of all parts, without a task."""
    first = parts[0].base
    for part in parts[1:]:
        if part.base.modality != first.modality or part.base.inputs.frames != first.inputs.frames:
            raise UserError(
                f"{parts[0].name} holds {first.modality} data and {part.name} {part.base.modality} data; data sets "
                "that share a body need one kind of input."
            )
    bases = [part.base for part in parts]
    starts = np.cumsum([0, *map(len, bases)])

    def names(rows: np.ndarray) -> list[str]:
        places = np.searchsorted(starts, rows, side="right") - 1
        return [
            f"{parts[place].name}: {bases[place].names(np.array([row - starts[place]]))[0]}"
            for place, row in zip(places.tolist(), np.asarray(rows).tolist(), strict=True)
        ]

    tables = first.modality == "table"
    records = _records(parts) if tables else None
    return replace(
        first,
        name=printable("+".join(part.name for part in parts))[:100],
        origin=", ".join(base.origin for base in bases)[:1000],
        task=None,
        targets=None,
        label_columns=(),
        given_splits=False,
        inputs=records if records is not None else Joined([base.inputs for base in bases]),
        columns=None if records is None else table_columns(records.columns, np.arange(len(records)), _readings(parts)),
        kept=None,
        group=None,
        _digests=[],
        row_names=names,
        warnings=tuple(dict.fromkeys(text for base in bases for text in base.warnings)),
        inferred={"data": f"{len(parts)} data sets, one after another: {_said(parts)}"} | _left_out(parts, records),
    )


def _records(parts: Sequence[Part]) -> Records:
    """Return the rows of all tables, with the columns that all have; a label is no column of its own table's."""
    tables = [part.base.inputs.columns.table for part in parts if isinstance(part.base.inputs, Records)]
    assert len(tables) == len(parts)
    shared = [name for name in tables[0].column_names if all(name in table.column_names for table in tables)]
    if not shared:
        raise UserError(f"{_said(parts)} share no column that is no label; give tables whose rows tell the same.")
    for name in shared:
        kinds = [table.schema.field(name).type for table in tables]
        if len(set(kinds)) > 1:
            odd = next(number for number, kind in enumerate(kinds) if kind != kinds[0])
            words = ["numbers" if kinds[number] == pa.float64() else "words" for number in (0, odd)]
            raise UserError(
                f"The column '{name}' holds {words[0]} in {parts[0].name} and {words[1]} in {parts[odd].name}; give "
                "them one kind, or leave the column out."
            )
    return Records(Columns(pa.concat_tables([table.select(shared) for table in tables])))


def _readings(parts: Sequence[Part]) -> dict[str, Any]:
    columns = parts[0].base.columns
    return {} if columns is None else dict(columns.readings)


def _left_out(parts: Sequence[Part], records: Records | None) -> dict[str, str]:
    if records is None:
        return {}
    known = {name for part in parts for name in part.base.inputs.columns.names}  # type: ignore[attr-defined]
    more = sorted(known - {*records.columns.names})
    return {"unused": f"columns that not all have, or that are labels: {', '.join(more)[:500]}"} if more else {}
