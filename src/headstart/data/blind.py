"""`open_blind`: samples of any kind without their labels, to learn from before there is a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data import folders, tables
from headstart.data.assembling import table_columns
from headstart.data.columns import LABEL_NAMES, choose_inputs, require_column
from headstart.data.dataset import Dataset
from headstart.data.folder_names import printable
from headstart.data.frame import Frame
from headstart.data.inputs import Files, Records
from headstart.data.material import frame_inputs
from headstart.data.opening import frame_of, open_data, require_path
from headstart.data.predicting import open_inputs
from headstart.data.projecting import readings_of
from headstart.errors import UserError

HELD_OUT, MOST_HELD_OUT, LEAST = 0.1, 1000, 10


def open_blind(
    data: Any,
    *,
    label: Sequence[str] = (),
    modality: str | None = None,
    text: str | None = None,
    image: str | None = None,
    seed: int = 0,
) -> Dataset:
    """Open samples to learn from without labels; a tenth of them (at most 1,000) are held out as the split "test".

    Parameters
    ----------
    data : a folder of samples at any depth, whose folders' names are not read; a table; a DataFrame; arrays; what
        `open_data` opens, whose labels are left out.
    label : columns of a table that are no input; by default those that are called so.

    Raises
    ------
    UserError
        If nothing can be read, or fewer than 10 samples are there.
    """
    found = _opened(data, tuple(label), modality, text, image)
    if len(found) < LEAST:
        raise UserError(f"{found.origin} has {len(found)} samples; {LEAST} or more are needed to learn without labels.")
    order = np.random.default_rng(seed).permutation(len(found))
    held = max(2, min(MOST_HELD_OUT, round(HELD_OUT * len(found))))
    splits = {"train": np.sort(order[held:]), "validation": np.zeros(0, np.int64), "test": np.sort(order[:held])}
    notes = {**found.inferred, "splits": f"a tenth of the samples is held out to measure on, drawn with seed {seed}"}
    found = replace(found.with_splits(splits), inferred=notes)
    if not isinstance(found.inputs, Records) or found.kept is not None:
        return found
    readings = {} if found.columns is None else found.columns.readings
    return replace(found, columns=table_columns(found.inputs.columns, splits["train"], readings))


def _opened(data: Any, label: tuple[str, ...], modality: str | None, text: str | None, image: str | None) -> Dataset:
    frame, origin = frame_of_data(data)
    if frame is not None:
        return from_frame(frame, origin, label, modality, text, image)
    path = Path(data).expanduser() if isinstance(data, str | Path) else None
    if path is not None and path.is_dir():
        return _from_folder(path, label, modality)
    if path is not None or isinstance(data, tuple | dict | Dataset):
        return _without_labels(open_data(data, label=label or None, modality=modality))
    kind = modality or ("image" if getattr(data, "ndim", 2) > 2 else "table")
    return open_inputs(data, modality=kind)


def frame_of_data(data: Any) -> tuple[Frame | None, str]:
    """Return the frame of a table, and what it is called; None where the data are none."""
    if not isinstance(data, str | Path):
        return frame_of(data), type(data).__name__
    path = require_path(Path(data))
    is_table = path.is_file() and folders.kind_of(path.name) == "table"
    return (tables.read_files([path], [None]) if is_table else None), printable(str(path))


def from_frame(
    frame: Frame,
    origin: str,
    label: tuple[str, ...],
    modality: str | None,
    text: str | None,
    image: str | None,
) -> Dataset:
    """Return the samples of a table without the columns ``label``, or those that are called labels."""
    names = frame.columns.names
    labels = tuple(require_column(name, names, origin, "--label") for name in label)
    labels = labels or tuple(name for name in names if name.lower() in LABEL_NAMES or name in frame.class_names)
    taken = [*labels, *(name for name in names if name.lower() == "split")]
    choice = choose_inputs(frame, taken, origin, modality, text, image)
    inputs = frame_inputs(frame, choice.modality, choice.input_column, choice.features)
    notes = dict(choice.reasons) | ({"left out": f"labels are not read: {', '.join(labels)}"} if labels else {})
    found = _bare(inputs, inputs.names if isinstance(inputs, Files) else frame.row_names, origin, notes)
    found = replace(found, input_column=choice.input_column, warnings=frame.warnings)
    if not isinstance(inputs, Records):
        return found
    return replace(
        found,
        columns=table_columns(inputs.columns, np.arange(len(inputs)), readings_of(frame, choice.features)),
    )


def _from_folder(path: Path, label: tuple[str, ...], modality: str | None) -> Dataset:
    if label:
        raise UserError(f"{path} is a folder of samples and has no columns, so --label does not apply; leave it out.")
    kinds = [modality] if modality else ["image", "text"]
    for number, kind in enumerate(kinds):
        try:
            index, notes = folders.scan_loose(path, kind)
        except UserError:
            if number + 1 == len(kinds):
                raise
            continue
        inputs = Files(index, path, kind)
        return _bare(inputs, inputs.names, printable(str(path)), notes)
    raise AssertionError("unreachable")


def _bare(inputs: Any, names: Any, origin: str, notes: dict[str, str]) -> Dataset:
    return Dataset(
        name=printable(Path(origin).name) or origin,
        origin=origin,
        modality=inputs.modality,
        task=None,
        splits={},
        given_splits=False,
        inputs=inputs,
        targets=None,
        row_names=names,
        inferred=notes,
    )


def _without_labels(dataset: Dataset) -> Dataset:
    notes = {name: why for name, why in dataset.inferred.items() if name not in ("task", "label")}
    return replace(dataset, task=None, targets=None, label_columns=(), given_splits=False, inferred=notes)
