"""`open_inputs`: unlabelled inputs for a trained model."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headstart.data import arrays, folders, tables
from headstart.data import held as in_memory
from headstart.data.aligning import align
from headstart.data.arrow import Columns, spill
from headstart.data.clips import CLIP, Clips, clip_names
from headstart.data.columns import choose_inputs
from headstart.data.dataset import Dataset, TableColumns
from headstart.data.frame import Frame, Part
from headstart.data.inputs import Files, Inputs, Records, Texts
from headstart.data.material import array_inputs, frame_inputs, require_columns
from headstart.data.objects import as_items, held, is_series, kind_of
from headstart.data.opening import frame_of, require_path
from headstart.data.projecting import kinds_by_type, project
from headstart.errors import UserError
from headstart.scratch import scratch_folder

Wanted = TableColumns | Sequence[str] | str | None


def open_inputs(data: Any, *, modality: str, columns: Wanted = None) -> Dataset:
    """Open inputs without labels, for predict from Python.

    One thing is one sample, and gets one answer, or is refused where it can be read in two ways.

    Parameters
    ----------
    data : a path of a folder of samples (at any depth), a file, or a table (CSV, TSV, Parquet, JSON lines), or a list
        of paths; a DataFrame, a `datasets.Dataset`; and, by what the model takes:

        - texts: a string is a text, never a path (`pathlib.Path` is one); several in a list, a Series, an array;
        - pictures: a PIL image, encoded bytes or an open file, an array [h, w], [h, w, 3], or of several
          [n, h, w], [n, h, w, 3], [n, 3, h, w] (uint8, uint16, floats 0 to 1; tensors too), or a list of these,
          of any sizes;
        - rows: numbers [n, columns] or [columns]; dicts or Series by column name, or a dict of columns.

        An iterator is read to its end.
    modality : what the model takes.
    columns : for tables the features the model was trained on; for texts and images the name of the column that
        holds them, if it is known.

    Returns
    -------
    Dataset
        Without task; all rows lie in the split "test".

    Raises
    ------
    UserError
        If a path or a required column does not exist (with the nearest names), or a value does not fit its column.
    """
    data = held(data)
    paths = _paths_of(data, modality)
    if paths:
        return _from_paths(paths, modality, columns)
    frame = frame_of(data)
    if frame is not None:
        return _from_frame(frame, type(data).__name__, modality, columns)
    if modality == "table":
        return _from_held_rows(data, columns)
    if modality == "image":
        pictures = in_memory.pictures(data)
        return _dataset(pictures, _part_names("image", len(pictures)), "images", modality, None, {})
    return _from_texts(in_memory.texts(data))


def open_files(files: Sequence[str], *, modality: str, columns: Wanted = None) -> Dataset:
    """Open what the command line names: paths, ``-`` for standard input, or, for a text model, texts.

    Standard input holds CSV with a header, or one text or image path per line.
    """
    if list(files) == ["-"]:
        return _standard_input(modality, columns)
    if modality == "text" and len(files) > 1 and not all(_looks_like_path(item) for item in files):
        return _from_texts(list(files))
    return _from_paths(list(files), modality, columns)


def _paths_of(data: Any, modality: str) -> list[str | Path]:
    """Return paths, if it is paths that were given; for a text model a string is a text."""
    if modality == "table" and is_series(data):
        return []
    items = [data] if isinstance(data, str | Path) else as_items(data)
    kinds = Path if modality == "text" else str | Path
    given = [isinstance(item, kinds) for item in items or []]
    if any(given) and not all(given):
        if modality == "table":
            return []
        odd = kind_of((items or [])[given.index(False)])
        raise UserError(f"The inputs mix paths with others ({odd}); give paths alone, or none.")
    return items or [] if any(given) else []


def _dataset(
    inputs: Inputs,
    names: Any,
    origin: str,
    modality: str,
    columns: Wanted,
    notes: dict[str, str],
    warnings: tuple[str, ...] = (),
) -> Dataset:
    if not len(inputs):
        raise UserError(f"{origin} holds nothing to predict on.")
    empty = np.zeros(0, np.int64)
    splits = {"train": empty, "validation": empty, "test": np.arange(len(inputs))}
    return Dataset(
        name=Path(origin).name or origin, origin=origin, modality=modality, task=None, splits=splits,
        given_splits=False, inputs=inputs, targets=None, row_names=names, inferred=notes, warnings=warnings,
        columns=columns if isinstance(columns, TableColumns) else None,
        input_column=columns if isinstance(columns, str) else None,
    )  # fmt: skip


def _from_texts(items: list[str]) -> Dataset:
    parts = arrays.ArrayParts([Part("text", len(items))], [items], [])
    return _dataset(Texts(arrays.text_columns(parts)), parts.row_names, "texts", "text", None, {})


def _looks_like_path(item: str) -> bool:
    short = len(item) < 1024 and "\n" not in item
    return short and (Path(item).expanduser().exists() or (" " not in item and folders.kind_of(item) is not None))


def _from_paths(items: Sequence[str | Path], modality: str, columns: Wanted) -> Dataset:
    paths = [require_path(Path(item)) for item in items]
    origin = str(items[0]) if len(items) == 1 else f"{len(items)} files"
    if modality == CLIP:
        return _from_clips(paths, origin)
    found = {folders.kind_of(path.name) if path.is_file() else "folder" for path in paths}
    if found == {"table"}:
        frame = tables.read_files(paths, [None] * len(paths))
        return _from_frame(frame, origin, modality, columns)
    if found == {"folder"} and len(paths) == 1:
        if modality == "table":
            raise UserError(f"{paths[0]} is a folder, but the model takes table rows; give a CSV or Parquet file.")
        index, notes = folders.scan_loose(paths[0], modality)
        files = Files(index, paths[0], modality)
        return _dataset(files, files.names, origin, modality, None, notes)
    return _from_samples(paths, modality, origin)


def _from_samples(paths: list[Path], modality: str, origin: str) -> Dataset:
    names: list[str] = []
    for path in paths:
        if path.is_dir():
            index, _ = folders.scan_loose(path, modality)
            names.extend(str(path / name) for name in index.table.column("path").to_pylist())
        elif folders.kind_of(path.name) == modality and modality != "table":
            names.append(str(path))
        else:
            raise UserError(f"{path} is no {modality} file; give {_expected(modality)}.")
    return _from_names(names, modality, origin)


def _from_names(names: list[str], modality: str, origin: str) -> Dataset:
    schema = pa.schema([("path", pa.string())])
    files = Files(spill([pa.record_batch([pa.array(names, pa.string())], schema=schema)], schema), "", modality)
    return _dataset(files, files.names, origin, modality, None, {})


def _from_clips(paths: list[Path], origin: str) -> Dataset:
    schema = pa.schema([("path", pa.string())])
    names = pa.array(list(clip_names(paths)), pa.string())
    clips = Clips(spill([pa.record_batch([names], schema=schema)], schema), "")
    return _dataset(clips, clips.names, origin, "image", None, {})


def _expected(modality: str) -> str:
    files = {"image": "pictures (.jpg, .png ...)", "text": "texts (.txt)", "table": "table rows"}[modality]
    return f"{files}, a folder of them, or a table ({', '.join(sorted(tables.TABLE_ENDINGS))})"


def _from_frame(frame: Frame, origin: str, modality: str, columns: Wanted) -> Dataset:
    if modality == "table":
        return _from_rows(frame, origin, columns)
    named = columns if isinstance(columns, str) else None
    if named is not None:
        require_columns([named], frame.columns.names, origin)
    text, image = (named, None) if modality == "text" else (None, named)
    choice = choose_inputs(frame, (), origin, modality, text, image)
    inputs = frame_inputs(frame, modality, choice.input_column, ())
    names = inputs.names if isinstance(inputs, Files) else frame.row_names
    return _dataset(inputs, names, origin, modality, choice.input_column, choice.reasons)


def _from_rows(frame: Frame, origin: str, columns: Wanted) -> Dataset:
    if columns is None:
        choice = choose_inputs(frame, (), origin, "table", None, None)
        rows = Records(project(frame, kinds_by_type(frame, choice.features)))
        return _dataset(rows, frame.row_names, origin, "table", None, choice.reasons)
    require_columns(_column_names(columns), frame.columns.names, origin)
    if isinstance(columns, TableColumns):
        aligned, warnings = align(frame, columns)
        return _dataset(Records(aligned), frame.row_names, origin, "table", columns, {}, warnings)
    rows = Records(project(frame, _wanted_kinds(frame, columns)))
    return _dataset(rows, frame.row_names, origin, "table", columns, {})


def _column_names(columns: Wanted) -> tuple[str, ...]:
    if isinstance(columns, TableColumns):
        return columns.names
    return (columns,) if isinstance(columns, str) else tuple(columns or ())


def _wanted_kinds(frame: Frame, columns: Wanted) -> dict[str, pa.DataType]:
    # only names are known: whole numbers stay whole, so that they may also be the names of categories
    schema = frame.columns.table.schema
    kinds = kinds_by_type(frame, _column_names(columns))
    return {name: pa.int64() if schema.field(name).type == pa.int64() else kind for name, kind in kinds.items()}


def _from_held_rows(data: Any, columns: Wanted) -> Dataset:
    import pandas

    names = _column_names(columns)
    rows = in_memory.row_of(data, names)
    if rows is not None:
        return _from_frame(tables.read_pandas(pandas.DataFrame(rows)), "rows", "table", columns)
    numbers = in_memory.number_rows(data, names)
    parts = arrays.ArrayParts([Part("", len(numbers))], [numbers], [])
    if columns is not None:
        return _from_rows(_named_rows(parts, columns), "array", columns)
    inputs, notes = array_inputs(parts, "table")
    return _dataset(inputs, parts.row_names, "array", "table", None, notes)


def _named_rows(parts: arrays.ArrayParts, columns: Wanted) -> Frame:
    names, words = _column_names(columns), columns.categorical if isinstance(columns, TableColumns) else {}
    frame = arrays.number_frame(parts)
    if words:
        raise UserError(
            f"An array names no columns, and the model has columns of words ('{next(iter(words))}'); give a DataFrame, "
            "or dicts by column name."
        )
    if len(frame.columns.names) != len(names):
        raise UserError(
            f"The array has {len(frame.columns.names)} columns, but the model takes {len(names)}; give those."
        )
    return Frame(Columns(frame.columns.table.rename_columns(list(names))), frame.parts, keep_all=True)


def _part_names(label: str, count: int) -> Any:
    return arrays.ArrayParts([Part(label, count)], [], []).row_names


def _standard_input(modality: str, columns: Wanted) -> Dataset:
    """Read standard input to its end: CSV with a header, or one text or image path per line."""
    with scratch_folder() as folder:
        path = folder / "standard input"
        with path.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        if not path.stat().st_size:
            raise UserError("Standard input is empty; give CSV with a header, or one sample per line.")
        if modality == "table" or _has_header(path, columns):
            return _from_frame(tables.read_delimited([path], [None]), "standard input", modality, columns)
        return _from_lines(path, modality)


def _has_header(path: Path, columns: Wanted) -> bool:
    with path.open("rb") as stream:
        cells = stream.readline().decode("utf-8-sig", "replace").strip().split(",")
    wanted = columns if isinstance(columns, str) else "text"
    return wanted in [cell.strip().strip('"') for cell in cells]


def _from_lines(path: Path, modality: str) -> Dataset:
    schema = pa.schema([("text", pa.string())])

    def batches() -> Any:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                yield pa.record_batch([pa.array([_line(number, line)])], schema=schema)

    lines = spill(batches(), schema)
    if modality == "image":
        files = Files(lines, "", "image")
        return _dataset(files, files.names, "standard input", modality, None, {})
    names = Frame(lines, [Part("standard input", len(lines))]).row_names
    return _dataset(Texts(lines), names, "standard input", modality, None, {})


def _line(number: int, line: bytes) -> str:
    try:
        return line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise UserError(f"Standard input is not UTF-8 in line {number}; give UTF-8.") from None
