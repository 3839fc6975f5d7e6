"""Inputs, labels and given splits of any kind of data, before they become a `Dataset`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.data import arrays, folders
from headstart.data.aligning import align
from headstart.data.arrow import Columns
from headstart.data.arrowtypes import is_picture
from headstart.data.clips import CLIP, Clips, gathered, holds_clips
from headstart.data.columns import choose_inputs, choose_labels, choose_split, require_column
from headstart.data.conventions import DATE, Reading
from headstart.data.dataset import SPLITS, TableColumns
from headstart.data.folder_names import printable
from headstart.data.frame import Frame, Part
from headstart.data.held import picture_list
from headstart.data.inputs import Arrays, Blobs, Files, Inputs, Records, Texts, Values
from headstart.data.labels import FEW_VALUES, Encoded, LabelSource, encode_labels
from headstart.data.like import Like, encode_as, renumbered
from headstart.data.projecting import kinds_by_type, project, readings_of
from headstart.data.settling import words
from headstart.data.splits import SPLIT_NAMES
from headstart.errors import UserError, nearest
from headstart.kinds import KINDS
from headstart.problem import Task


@dataclass(frozen=True)
class Options:
    """What the user said about the data; None where it is to be inferred."""

    label: str | Sequence[str] | None = None
    group: Any = None
    task: str | None = None
    modality: str | None = None
    seed: int = 0
    text: str | None = None
    image: str | None = None
    like: Like | None = None
    singles: bool = False


@dataclass
class Material:
    """Inputs, labels and given splits, before they become a `Dataset`."""

    name: str
    origin: str
    inputs: Inputs
    row_names: Callable[[np.ndarray], list[str]]
    encoded: Encoded
    given: np.ndarray | None = None
    group: tuple[np.ndarray, list[str]] | None = None
    input_column: str | None = None
    label_columns: tuple[str, ...] = ()
    inferred: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    readings: dict[str, Reading] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    """All columns of a table that a test set must have too."""


def from_folder(path: Path, options: Options) -> Material:
    for option, value in (("label", options.label), ("group", options.group), ("text", options.text)):
        if value is not None:
            raise UserError(f"{path} is a folder of samples and has no columns, so --{option} does not apply; "
                            "open a table of paths instead.")  # fmt: skip
    if options.task is not None and not KINDS[options.task].one_class:
        raise UserError(f"{path} is a folder of classes, so the task is classification, not {options.task}; "
                        "open a table of paths instead.")  # fmt: skip
    folder = folders.scan_classes(path, known=None if options.like is None else options.like.task.classes)
    asked = options.modality == CLIP and folder.modality == "image"
    if asked or (options.modality in (None, CLIP) and holds_clips(folder, path)):
        folder = gathered(folder)
    if options.modality not in (None, folder.modality):
        raise UserError(f"{path} holds {folder.modality}s, not {options.modality}s; {_instead(options)}.")
    labels = folder.index.table.column("label").to_numpy().astype(np.int64)
    encoded = Encoded(Task(options.task or "classification", tuple(folder.classes)), labels, "the folders are classes")
    if options.like is not None:
        encoded = renumbered(encoded, options.like.task)
    paths = folder.index.select(["path"])
    inputs = Clips(paths, path) if folder.modality == CLIP else Files(paths, path, folder.modality)
    why = "as was asked for" if asked else "by the endings of the files"
    inferred = {"modality": f"{folder.modality}: {why}", **folder.notes}
    name, origin = printable(path.resolve().name), printable(str(path))
    return Material(
        name, origin, inputs, inputs.names, encoded, folder.given, inferred=inferred, warnings=folder.warnings
    )  # fmt: skip


def _instead(options: Options) -> str:
    return "leave --modality out" if options.like is None else f"give {options.modality}s"


def from_frame(frame: Frame, options: Options, name: str, origin: str) -> Material:
    if options.like is not None:
        return _frame_like(frame, options, options.like, name, origin)
    inferred = dict(frame.notes)
    place = origin if origin else name
    labels = choose_labels(frame, options.label, place, inferred)
    split = choose_split(frame, labels, place)
    if options.group is not None:
        require_column(str(options.group), frame.columns.names, place, "--group")
    taken = [*labels, *([split] if split else []), *([str(options.group)] if options.group is not None else [])]
    choice = choose_inputs(frame, taken, place, options.modality, options.text, options.image)
    if choice.input_column in labels:
        raise UserError(f"The column '{choice.input_column}' of {place} is both label and input; name another.")
    table = frame.columns.table
    source = LabelSource({n: label_column(frame, n) for n in labels}, frame.row_names, frame.class_names)
    inputs = frame_inputs(frame, choice.modality, choice.input_column, choice.features)
    group = None if options.group is None else _group_numbers(table.column(str(options.group)), frame)
    given = _given_by_column(table.column(split)) if split else _given_by_parts(frame.parts)
    if split:
        inferred["splits"] = f"the column '{split}' tells them"
    names = inputs.names if isinstance(inputs, Files) else frame.row_names
    encoded = encode_labels(source, options.task)
    return Material(
        name, origin, inputs, names, encoded, given, group, choice.input_column, labels, inferred | choice.reasons,
        frame.warnings if choice.modality == "table" else _about(frame, labels), readings_of(frame, choice.features),
        tuple(name for name in frame.columns.names if name not in (split, *labels, *frame.indexes)),
    )  # fmt: skip


def _frame_like(frame: Frame, options: Options, like: Like, name: str, origin: str) -> Material:
    """Take the columns that a model learned from, whatever this table's own values look like."""
    known, place = frame.columns.names, origin if origin else name
    labels = choose_labels(frame, options.label or _remembered(like, known, place), place, {})
    split = choose_split(frame, labels, place)
    _require_same(frame, like, (split, *labels), place)
    given = _given_by_column(frame.columns.table.column(split)) if split else _given_by_parts(frame.parts)
    named = {n: words(frame, n) if like.task.label_space.one_class else label_column(frame, n) for n in labels}
    encoded = encode_as(LabelSource(named, frame.row_names, frame.class_names), like.task)
    warnings: tuple[str, ...] = ()
    column = None
    if isinstance(like.columns, TableColumns):
        require_columns(like.columns.names, known, place)
        aligned, warnings = align(frame, like.columns)
        inputs: Inputs = Records(aligned)
    else:
        usual = like.columns if like.columns in known and like.columns not in labels else None
        text, image = (usual, None) if like.modality == "text" else (None, usual)
        taken = [*labels, *([split] if split else [])]
        choice = choose_inputs(frame, taken, place, like.modality, options.text or text, options.image or image)
        column = choice.input_column
        inputs = frame_inputs(frame, like.modality, column, choice.features)
    names = inputs.names if isinstance(inputs, Files) else frame.row_names
    group = None if options.group is None else _group_numbers(frame.columns.table.column(str(options.group)), frame)
    return Material(name, origin, inputs, names, encoded, given, group, column, labels, dict(frame.notes), warnings)


def _require_same(frame: Frame, like: Like, own: Sequence[str | None], place: str) -> None:
    """Refuse a table that lacks columns or has others, where new data must have the same."""
    found = {*frame.columns.names} - {*own, *frame.indexes}
    different = sorted({*like.known} ^ found) if like.known else []
    if different:
        raise UserError(
            f"{place} and the data differ in the columns {', '.join(different[:8])}"
            f"{' ...' if len(different) > 8 else ''}; give both the same."
        )


def _remembered(like: Like, known: Sequence[str], place: str) -> Sequence[str] | None:
    """Return the label columns that the model was trained with, or None where it had none (folders of classes)."""
    lacking = [name for name in like.label_columns if name not in known]
    if lacking:
        raise UserError(
            f"{place} has no column '{lacking[0]}', which the model was trained to tell; name the label with --label, "
            f"one of: {', '.join(known)}."
        )
    return like.label_columns or None


def require_columns(names: Sequence[str], known: Sequence[str], origin: str) -> None:
    """Refuse a table that lacks columns of a model; they are named."""
    lacking = [name for name in names if name not in known]
    if lacking:
        shown = ", ".join(f"'{name}'" for name in lacking[:5]) + (" ..." if len(lacking) > 5 else "")
        raise UserError(f"{origin} lacks the column {shown} that the model needs; {nearest(lacking[0], known)}")


def label_column(frame: Frame, name: str) -> pa.ChunkedArray:
    """Return a label's values; a few texts of a reader that knows types are names, even where they are numbers."""
    own = words(frame, name)
    if frame.declared and frame.readings.get(name, DATE).is_plain:
        few = pc.count_distinct(own).as_py() <= FEW_VALUES  # type: ignore[attr-defined]
        return own if few else frame.columns.table.column(name)
    return frame.columns.table.column(name)


def _about(frame: Frame, names: Sequence[str]) -> tuple[str, ...]:
    """Return the reader's warnings about some columns."""
    return tuple(text for text in frame.warnings if any(f"'{name}'" in text for name in names))


def frame_inputs(frame: Frame, modality: str, column: str | None, features: Sequence[str]) -> Inputs:
    """Return the inputs that a choice of columns means."""
    if modality == "table" or column is None:
        return Records(project(frame, kinds_by_type(frame, features)))
    values = frame.columns.select([column])
    if modality == "text":
        return Texts(values)
    if is_picture(values.table.schema.field(0).type):
        return Blobs(values, frame.base)
    return Files(values, frame.base, "image")


def _given_by_column(values: pa.ChunkedArray) -> np.ndarray:
    number = {name: SPLITS.index(split) for name, split in SPLIT_NAMES.items()}
    words = pc.utf8_lower(pc.utf8_trim_whitespace(values))  # type: ignore[attr-defined]
    place = pc.index_in(words, value_set=pa.array(list(number))).to_numpy()  # type: ignore[attr-defined]
    return np.array(list(number.values()), np.int8)[place.astype(np.int64)]


def _given_by_parts(parts: list[Part]) -> np.ndarray | None:
    if len(parts) < 2 or None in {part.split for part in parts}:
        return None
    return np.concatenate([np.full(part.rows, SPLITS.index(part.split or "train"), np.int8) for part in parts])


def _group_numbers(values: pa.ChunkedArray, frame: Frame) -> tuple[np.ndarray, list[str]]:
    missing = np.flatnonzero(pc.is_null(values, nan_is_null=True).to_numpy())  # type: ignore[attr-defined]
    if len(missing):
        name = frame.row_names(missing[:1])[0]
        raise UserError(f"The group is missing in {len(missing)} rows, first in {name}; fill the column.")
    encoded = values.cast(pa.string()).combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def from_arrays(data: arrays.ArrayParts, options: Options, name: str, origin: str) -> Material:
    modality, reason = arrays.modality_of(data.x[0])
    if options.modality not in (None, modality):
        raise UserError(f"The inputs are {modality}s ({reason}), not {options.modality}s; {_instead(options)}.")
    columns = arrays.label_columns(data)
    class_names = _array_class_names(data, columns)
    source = LabelSource(columns, data.row_names, class_names)
    if options.like is not None:
        wanted = options.like.columns if isinstance(options.like.columns, TableColumns) else None
        frame = None if wanted is None else named_numbers(data, wanted)
        warnings: tuple[str, ...] = ()
        if frame is None or wanted is None:
            inputs, _ = array_inputs(data, modality)
        else:
            aligned, warnings = align(frame, wanted)
            inputs = Records(aligned)
        encoded, given = encode_as(source, options.like.task), _given_by_parts(data.parts)
        return Material(
            name, origin, inputs, data.row_names, encoded, given, label_columns=tuple(columns), warnings=warnings
        )
    encoded = encode_labels(source, options.task)
    inputs, note = array_inputs(data, modality)
    group = None
    if options.group is not None:
        group = _array_group(options.group, len(inputs))
    inferred = {"modality": f"{modality}: {reason}", **note}
    given = _given_by_parts(data.parts)
    return Material(name, origin, inputs, data.row_names, encoded, given, group, None, tuple(columns), inferred)


def named_numbers(data: arrays.ArrayParts, columns: TableColumns) -> Frame:
    """Return rows of numbers with the names of the columns that a model takes, in their order."""
    frame, words = arrays.number_frame(data), columns.categorical
    if words:
        raise UserError(
            f"An array names no columns, and the model has columns of words ('{next(iter(words))}'); give a DataFrame, "
            "or dicts by column name."
        )
    if len(frame.columns.names) != len(columns.names):
        raise UserError(
            f"The array has {len(frame.columns.names)} columns, but the model takes {len(columns.names)}; give those."
        )
    return Frame(Columns(frame.columns.table.rename_columns(list(columns.names))), frame.parts, keep_all=True)


def _array_class_names(data: arrays.ArrayParts, columns: Mapping[str, pa.ChunkedArray]) -> dict[str, list[str]]:
    values = columns.get("y")
    if data.classes is None or values is None or not pa.types.is_integer(values.type):
        return {}
    return {"y": data.classes} if pc.max(values).as_py() < len(data.classes) else {}  # type: ignore[attr-defined]


def array_inputs(data: arrays.ArrayParts, modality: str) -> tuple[Inputs, dict[str, str]]:
    """Return the inputs of arrays, and notes."""
    if modality == "text":
        return Texts(arrays.text_columns(data)), {}
    if modality == "table":
        frame = arrays.number_frame(data)
        return Records(project(frame, kinds_by_type(frame, frame.columns.names))), {}
    if not isinstance(data.x[0], np.ndarray):
        return Values([picture for x in data.x for picture in picture_list(x)], "image"), {}
    first = arrays.check_images(data.x, data)
    note = {"channels": "the second axis holds the channels, by its length"} if first else {}
    return Arrays(data.x, first), note


def _array_group(group: Any, count: int) -> tuple[np.ndarray, list[str]]:
    if isinstance(group, str) or len(group) != count:
        raise UserError(f"Arrays have no columns; give group as an array of {count} values, one per sample.")
    names, numbers = np.unique(np.asarray(group), return_inverse=True)
    return numbers.astype(np.int64), [str(name) for name in names]
