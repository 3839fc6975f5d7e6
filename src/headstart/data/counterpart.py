"""`open_counterpart`: a target of the same task as a labelled source; its labels may be missing, wholly or in part."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path, PurePath
from typing import Any, Protocol

import numpy as np

from headstart.data import folders, tables
from headstart.data.aligning import named
from headstart.data.arrowtypes import class_name
from headstart.data.dataset import Dataset, TableColumns
from headstart.data.frame import Frame
from headstart.data.opening import frame_of, require_path
from headstart.data.predicting import open_inputs
from headstart.data.settling import words
from headstart.errors import UserError
from headstart.problem import Task

SHOWN = 5


@dataclass(frozen=True)
class Counterpart:
    """A target beside a source.

    Attributes
    ----------
    dataset : without task; all rows lie in the split "test".
    stored_labels : per row as opened, the source's class number (int64, -1 unknown) or a value (float64, NaN unknown).
    """

    dataset: Dataset
    stored_labels: np.ndarray

    @property
    def fingerprint(self) -> str:
        """Of the inputs and of the labels that are known."""
        state = blake2b(self.dataset.fingerprint.encode(), digest_size=16)
        state.update(np.ascontiguousarray(self.labels).astype("<f8").tobytes())
        return state.hexdigest()

    @property
    def labels(self) -> np.ndarray:
        """Labels of the dataset's rows, [n]."""
        return self.stored_labels[self.dataset.stored(np.arange(len(self.dataset)))]


class Described(Protocol):
    """What is asked of labelled source data, or of what a run says of its own."""

    @property
    def name(self) -> str: ...
    @property
    def task(self) -> Task | None: ...
    @property
    def modality(self) -> str: ...
    @property
    def columns(self) -> TableColumns | None: ...
    @property
    def input_column(self) -> str | None: ...
    @property
    def label_columns(self) -> tuple[str, ...]: ...


def open_counterpart(data: Any, source: Described, *, others: str | None = None) -> Counterpart:
    """Open a target whose inputs and classes are those of ``source``, with or without labels.

    Labels are looked for in the source's label column, in the class folders of its classes, or in ``(X, y)``; empty
    cells and loose files are unlabelled.

    Parameters
    ----------
    others : the class of ``source`` that labels belong to which name none of its classes; None refuses them.

    Raises
    ------
    UserError
        If the target lacks columns of the source, or has classes that the source does not have; all are named.
    """
    task = source.task
    refused = "multi-target" if task is None else task.label_space.not_across
    if task is None or refused:
        raise UserError(
            f"{source.name} is a {refused} problem; across domains one class or one number per sample can be learned "
            "(several labels in Python, as rows: headstart.EachLabel)."
        )
    if isinstance(data, str):
        data = Path(data)
    if isinstance(data, tuple):
        inputs, given = data
        dataset = open_inputs(inputs, modality=source.modality, columns=source.columns or source.input_column)
        return Counterpart(dataset, _encode(list(np.asarray(given)), source, "y", others))
    frame = _frame_of(data)
    if frame is None:
        dataset = open_inputs(data, modality=source.modality, columns=source.columns or source.input_column)
        return Counterpart(dataset, _from_folders(dataset, source, others))
    _require_columns(frame, source, str(data) if isinstance(data, str | Path) else "The target")
    dataset = open_inputs(data, modality=source.modality, columns=_columns(frame, source))
    column = source.label_columns[0] if source.label_columns else None
    if column is None or column not in frame.columns.names:
        return Counterpart(dataset, _encode([None] * len(dataset), source, ""))
    values = frame.columns.table.column(column)
    if task.label_space.one_class:
        values = named(words(frame, column), task.classes)
    values = values.to_pylist()
    return Counterpart(dataset, _encode(values, source, column, others))


def _frame_of(data: Any) -> Frame | None:
    if not isinstance(data, str | Path):
        return frame_of(data)
    path = require_path(Path(data))
    is_table = path.is_file() and folders.kind_of(path.name) == "table" and tables.ending(path) != ".npz"
    return tables.read_files([path], [None]) if is_table else None


def _columns(frame: Frame, source: Described) -> TableColumns | str | None:
    """The source's columns, with the target's categories beside the source's."""
    if source.columns is None:
        return source.input_column
    categorical = {}
    for name, known in source.columns.categorical.items():
        values = named(words(frame, name), known).drop_null().unique().to_pylist()
        categorical[name] = tuple(sorted({*known, *filter(None, values)}))
    return TableColumns(source.columns.numeric, categorical, source.columns.readings)


def _require_columns(frame: Frame, source: Described, origin: str) -> None:
    wanted = source.columns.names if source.columns else filter(None, [source.input_column])
    lacking = [name for name in wanted if name not in frame.columns.names]
    if lacking:
        shown = ", ".join(f"'{name}'" for name in lacking[:SHOWN]) + (" ..." if len(lacking) > SHOWN else "")
        raise UserError(
            f"{origin} lacks {len(lacking)} columns of the source data ({shown}); give both the same columns, or take "
            "these out of the source."
        )


def _encode(values: list[Any], source: Described, place: str, others: str | None = None) -> np.ndarray:
    """Turn labels into the source's numbers; what is empty stays unknown."""
    assert source.task is not None
    empty = [value is None or value != value or (isinstance(value, str) and not value.strip()) for value in values]
    if not source.task.label_space.of_classes:
        try:
            return np.array([np.nan if no else float(v) for v, no in zip(values, empty, strict=True)])
        except (TypeError, ValueError):
            raise UserError(f"The target's label '{place}' holds words, but the source's holds numbers.") from None
    names = [
        None if no else class_name(v.strip() if isinstance(v, str) else v) for v, no in zip(values, empty, strict=True)
    ]
    unknown = sorted({name for name in names if name is not None} - set(source.task.classes))
    if unknown and others is None:
        shown = ", ".join(unknown[:SHOWN]) + (" ..." if len(unknown) > SHOWN else "")
        raise UserError(
            f"The target's label '{place}' has {len(unknown)} class{'es' if len(unknown) > 1 else ''} that the source "
            f"data do not have ({shown}); the source's are {', '.join(source.task.classes[:10])}. --method separate "
            "calls such samples unknown."
        )
    number = {name: index for index, name in enumerate(source.task.classes)}
    rest = -1 if others is None else number[others]
    return np.array([-1 if name is None else number.get(name, rest) for name in names], dtype=np.int64)


def _from_folders(dataset: Dataset, source: Described, others: str | None = None) -> np.ndarray:
    """Read labels from the folder that a file lies in, where it is called like a class of the source.

    Where one is, other folders belong to the class ``others`` if it is given.
    """
    assert source.task is not None
    names = [PurePath(name).parent.name for name in dataset.names(np.arange(len(dataset)))]
    if not source.task.label_space.of_classes:
        return np.full(len(names), np.nan)
    number = {name: index for index, name in enumerate(source.task.classes)}
    labels = np.array([number.get(name, -1) for name in names], dtype=np.int64)
    strange = sorted({name for name, label in zip(names, labels, strict=True) if label < 0 and name})
    if strange and (labels >= 0).any() and others is not None:
        return np.array([number.get(name, number[others] if name else -1) for name in names], dtype=np.int64)
    if strange and (labels >= 0).any():
        raise UserError(
            f"{dataset.origin} has folders that are no class of the source data ({', '.join(strange[:SHOWN])}); the "
            f"source's classes are {', '.join(source.task.classes[:10])}."
        )
    return labels
