"""New labels in the numbers that a finished model's task gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from headstart.data.aligning import named
from headstart.data.arrowtypes import is_string
from headstart.data.dataset import TableColumns
from headstart.data.labels import Encoded, LabelSource, label_sets, numbers, require_present
from headstart.errors import UserError
from headstart.problem import Task

_SHOWN = 10


@dataclass(frozen=True)
class Like:
    """What a model learned from, which new labelled data are read as.

    Parameters
    ----------
    columns : features of a table, or the name of the column of texts or images, or None.
    label_columns : what was predicted.
    known : all columns of its table, where new data must have the same; () where they need not.
    """

    task: Task
    modality: str
    columns: TableColumns | str | None = None
    label_columns: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


def encode_as(source: LabelSource, task: Task) -> Encoded:
    """Turn label columns into the numbers that a model's task gives them."""
    for name, values in source.columns.items():
        require_present(source, name, values)
    reason = "as the model was trained"
    reads = task.label_space.reads
    if reads == "values":
        return Encoded(task, _values(source, task), reason)
    if reads == "classes":
        return Encoded(task, _sets(source, task), reason)
    (name, values), *others = source.columns.items()
    if others:
        raise UserError(f"The model tells one class per sample; name one label column, not {len(others) + 1}.")
    found = named(_names(source, name, values), task.classes)
    encoded = found.combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    numbers_of = [task.classes.index(one) if one in task.classes else -1 for one in encoded.dictionary.to_pylist()]
    labels = np.array(numbers_of, dtype=np.int64)[encoded.indices.to_numpy()]
    strange = np.flatnonzero(labels < 0)
    if len(strange):
        unknown = sorted({one for one in encoded.dictionary.to_pylist() if one not in task.classes})
        refuse_unknown(unknown, task, f" in column '{name}', first in {source.rows(strange[:1])}")
    return Encoded(task, labels, reason)


def renumbered(encoded: Encoded, task: Task) -> Encoded:
    """Return labels whose classes have names already, in the numbering of the model's task."""
    unknown = sorted(set(encoded.task.classes) - set(task.classes))
    if unknown:
        refuse_unknown(unknown, task, "")
    place = np.array([task.classes.index(name) for name in encoded.task.classes], dtype=np.int64)
    return Encoded(task, place[encoded.labels], encoded.reason)


def renumbered_names(encoded: Encoded, task: Task) -> Encoded:
    """Return labels of any form in the numbering of the model's task, by the names of their classes."""
    unknown = sorted(set(encoded.task.classes) - set(task.classes))
    if unknown:
        refuse_unknown(unknown, task, "")
    return Encoded(task, task.label_space.renumbered(encoded.labels, encoded.task.classes), encoded.reason)


def refuse_unknown(unknown: Sequence[str], task: Task, where: str) -> None:
    shown = ", ".join(unknown[:_SHOWN]) + (" ..." if len(unknown) > _SHOWN else "")
    known = ", ".join(task.classes[:_SHOWN]) + (" ..." if len(task.classes) > _SHOWN else "")
    raise UserError(f"The data have classes that the model does not know ({shown}){where}; the model knows: {known}.")


def _names(source: LabelSource, name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return class names where the data bring names of their numbers, and the values otherwise."""
    if name not in source.class_names or is_string(values.type):
        return values
    known = list(source.class_names[name])
    return pa.chunked_array([[known[code] for code in values.to_pylist()]], pa.string())


def _values(source: LabelSource, task: Task) -> np.ndarray:
    columns = dict(source.columns)
    order = task.targets if set(task.targets) <= set(columns) else tuple(columns)
    if len(order) != len(task.targets):
        raise UserError(f"The model predicts {', '.join(task.targets)}; name these columns with --label.")
    return np.stack([numbers(source, name, columns[name]) for name in order], axis=1)


def _sets(source: LabelSource, task: Task) -> np.ndarray:
    if len(source.columns) > 1 or set(source.columns) <= set(task.classes):
        found = {name: numbers(source, name, values) for name, values in source.columns.items()}
        unknown = sorted(set(found) - set(task.classes))
        if unknown:
            refuse_unknown(unknown, task, "")
        rows = len(next(iter(found.values())))
        return np.stack([found.get(name, np.zeros(rows)) for name in task.classes], axis=1).astype(np.uint8)
    (name, values), *_ = source.columns.items()
    sets = label_sets(values, task.separator)
    unknown = sorted({one for row in sets for one in row} - set(task.classes))
    if unknown:
        cut = f", split at '{task.separator}' as the run's own were" if task.separator else ""
        refuse_unknown(unknown, task, f" in column '{name}'{cut}")
    return np.array([[one in row for one in task.classes] for row in map(set, sets)], dtype=np.uint8)
