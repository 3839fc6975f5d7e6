"""`open_data`: any labelled data, as a `Dataset`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.data import arrays, folders, tables
from headstart.data.arrow import Columns
from headstart.data.columns import choose_inputs, choose_labels, choose_split, is_picture, project, require_column
from headstart.data.dataset import SPLITS, Dataset, TableColumns
from headstart.data.frame import Frame, Part
from headstart.data.inputs import Arrays, Blobs, Files, Inputs, Records, Texts, Values
from headstart.data.labels import Encoded, LabelSource, encode_labels
from headstart.data.requirements import require_classes, require_splits, require_whole_groups
from headstart.data.splits import SPLIT_NAMES, make_splits
from headstart.errors import UserError, nearest
from headstart.problem import MODALITIES, TASKS, Task

ENDINGS = tuple(sorted(tables.TABLE_ENDINGS | {".npz"}))


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


@dataclass
class Material:
    """Inputs, labels and given splits, before they become a `Dataset`."""

    name: str
    origin: str
    inputs: Inputs
    row_names: Callable[[np.ndarray], list[str]]
    encoded: Encoded | None = None
    given: np.ndarray | None = None
    group: tuple[np.ndarray, list[str]] | None = None
    input_column: str | None = None
    label_columns: tuple[str, ...] = ()
    inferred: dict[str, str] = field(default_factory=dict)


def open_data(
    data: Any,
    *,
    label: str | Sequence[str] | None = None,
    group: Any = None,
    task: str | None = None,
    modality: str | None = None,
    seed: int = 0,
    text: str | None = None,
    image: str | None = None,
) -> Dataset:
    """Open labelled data of any kind (`headstart.open`).

    Parameters
    ----------
    data : a folder ``class/x.jpg`` or ``train|val|test/class/x.jpg``; a CSV, TSV, Parquet or JSON lines file (or a
        folder of them called train, validation, test); a ``.npz`` file; a pandas DataFrame; ``(X, y)`` or a dict of
        arrays; a `datasets.Dataset` or `DatasetDict`. A `Dataset` is given back as it is.
    label : the label column, or several (a list, or names joined by commas): several columns of 0 and 1 are
        multi-label, several columns of numbers multi-target regression.
    group : a column (or, for arrays, an array [n]) whose groups never straddle a split.
    task, modality : instead of what is inferred.
    seed : of the splits that are made.
    text, image : the column of texts, or of image paths relative to the file.

    Raises
    ------
    UserError
        One sentence with file, row or column, for anything that cannot be read or would make the result wrong.
    """
    if isinstance(data, Dataset):
        return data
    options = Options(label, group, task, modality, seed, text, image)
    _require_known("task", task, TASKS)
    _require_known("modality", modality, MODALITIES)
    return _assemble(_gather(data, options), options)


def _require_known(option: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise UserError(f"The {option} '{value}' is not known; {nearest(value, known)}")


def _gather(data: Any, options: Options) -> Material:
    if isinstance(data, str | Path):
        return _from_path(Path(data), options)
    if isinstance(data, tuple):
        return _from_arrays(arrays.read_pair(data), options, "arrays", "numpy arrays")
    frame = frame_of(data)
    if frame is not None:
        return _from_frame(frame, options, _type_name(data), _type_name(data))
    if isinstance(data, Mapping):
        return _from_arrays(arrays.read_mapping(data), options, "arrays", "numpy arrays")
    raise UserError(
        f"An object of type {type(data).__name__} cannot be opened; give a path, a DataFrame, (X, y), a dict of "
        "arrays or a datasets.Dataset."
    )


def frame_of(data: Any) -> Frame | None:
    """Return a DataFrame's or a `datasets` object's frame; None for anything else. Neither library is imported."""
    library = type(data).__module__.split(".")[0]
    if library == "pandas" and hasattr(data, "columns"):
        return tables.read_pandas(data)
    if library == "datasets":
        return tables.read_datasets(data)
    return None


def _type_name(data: Any) -> str:
    return f"{type(data).__module__.split('.')[0]}.{type(data).__name__}"


def require_path(path: Path) -> Path:
    """Return an existing path; else one sentence with the nearest names in the folder above."""
    path = path.expanduser()
    if path.exists():
        return path
    parent = path.parent
    if not parent.exists():
        raise UserError(f"{path} does not exist, and neither does its folder {parent}.")
    known = sorted(entry.name for entry in parent.iterdir() if not entry.name.startswith("."))
    hint = nearest(path.name, known) if len(known) <= 20 or "did you" in nearest(path.name, known) else ""
    raise UserError(f"{path} does not exist; {hint or 'check the name'}" if known else f"{path} does not exist.")


def _from_path(path: Path, options: Options) -> Material:
    path = require_path(path)
    name, origin = path.resolve().name, str(path)
    if path.is_file():
        if tables.ending(path) == ".npz":
            return _from_arrays(arrays.read_npz(path), options, name, origin)
        _require_table(path)
        return _from_frame(tables.read_files([path], [None]), options, name, origin)
    if (path / "dataset_dict.json").exists() or (path / "state.json").exists():
        return _from_frame(tables.read_datasets(tables.load_saved_datasets(path)), options, name, origin)
    files = _split_tables(path)
    if files:
        return _from_frame(tables.read_files(list(files), list(files.values())), options, name, origin)
    return _from_folder(path, options)


def _require_table(path: Path) -> None:
    if folders.kind_of(path.name) != "table":
        raise UserError(f"{path} has an ending that is not read; {', '.join(ENDINGS)} or a folder is expected.")


def _split_tables(folder: Path) -> dict[Path, str | None]:
    """Return the tables of a folder that holds nothing but train.csv, test.csv and the like."""
    names = [name for name in folders.loose_files(folder) if folders.kind_of(name)]
    found = {folder / name: SPLIT_NAMES.get(name.split(".")[0].lower()) for name in names}
    if not found or folders.subfolders(folder) or None in found.values():
        return {}
    if any(folders.kind_of(name) != "table" for name in names):
        return {}
    return dict(sorted(found.items(), key=lambda item: SPLITS.index(item[1] or "train")))


def _from_folder(path: Path, options: Options) -> Material:
    for option, value in (("label", options.label), ("group", options.group), ("text", options.text)):
        if value is not None:
            raise UserError(f"{path} is a folder of samples and has no columns, so --{option} does not apply; "
                            "open a table of paths instead.")  # fmt: skip
    if options.task not in (None, "classification"):
        raise UserError(f"{path} is a folder of classes, so the task is classification, not {options.task}; "
                        "open a table of paths instead.")  # fmt: skip
    folder = folders.scan_classes(path)
    if options.modality not in (None, folder.modality):
        raise UserError(f"{path} holds {folder.modality}s, not {options.modality}s; leave --modality out.")
    labels = folder.index.table.column("label").to_numpy().astype(np.int64)
    encoded = Encoded(Task("classification", tuple(folder.classes)), labels, "the folders are classes")
    inputs = Files(folder.index.select(["path"]), path, folder.modality)
    inferred = {"modality": f"{folder.modality}: by the endings of the files", **folder.notes}
    return Material(
        path.resolve().name, str(path), inputs, inputs.names, encoded, folder.given, inferred=inferred
    )  # fmt: skip


def _from_frame(frame: Frame, options: Options, name: str, origin: str) -> Material:
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
    source = LabelSource({n: table.column(n) for n in labels}, frame.row_names, frame.class_names)
    inputs = frame_inputs(frame, choice.modality, choice.input_column, choice.features)
    group = None if options.group is None else _group_numbers(table.column(str(options.group)), frame)
    given = _given_by_column(table.column(split)) if split else _given_by_parts(frame.parts)
    if split:
        inferred["splits"] = f"the column '{split}' tells them"
    names = inputs.names if isinstance(inputs, Files) else frame.row_names
    encoded = encode_labels(source, options.task)
    return Material(
        name, origin, inputs, names, encoded, given, group, choice.input_column, labels, inferred | choice.reasons
    )


def frame_inputs(frame: Frame, modality: str, column: str | None, features: Sequence[str]) -> Inputs:
    """Return the inputs that a choice of columns means."""
    if modality == "table" or column is None:
        return Records(project(frame, features))
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


def _from_arrays(data: arrays.ArrayParts, options: Options, name: str, origin: str) -> Material:
    modality, reason = arrays.modality_of(data.x[0])
    if options.modality not in (None, modality):
        raise UserError(f"The inputs are {modality}s ({reason}), not {options.modality}s; leave --modality out.")
    columns = arrays.label_columns(data)
    class_names = _array_class_names(data, columns)
    encoded = encode_labels(LabelSource(columns, data.row_names, class_names), options.task)
    inputs, note = array_inputs(data, modality)
    group = None
    if options.group is not None:
        group = _array_group(options.group, len(inputs))
    inferred = {"modality": f"{modality}: {reason}", **note}
    given = _given_by_parts(data.parts)
    return Material(name, origin, inputs, data.row_names, encoded, given, group, None, tuple(columns), inferred)


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
        return Records(project(frame, frame.columns.names)), {}
    if not isinstance(data.x[0], np.ndarray):
        return Values([picture for x in data.x for picture in x], "image"), {}
    first = arrays.check_images(data.x, data)
    note = {"channels": "the second axis holds the channels, by its length"} if first else {}
    return Arrays(data.x, first), note


def _array_group(group: Any, count: int) -> tuple[np.ndarray, list[str]]:
    if isinstance(group, str) or len(group) != count:
        raise UserError(f"Arrays have no columns; give group as an array of {count} values, one per sample.")
    names, numbers = np.unique(np.asarray(group), return_inverse=True)
    return numbers.astype(np.int64), [str(name) for name in names]


def _assemble(material: Material, options: Options) -> Dataset:
    assert material.encoded is not None
    task, targets = material.encoded.task, material.encoded.labels
    given = _usable(material)
    require_classes(task, targets, given, material.origin)
    numbers, names = material.group if material.group else (None, [])
    if numbers is not None and given is not None:
        require_whole_groups(numbers, given, names, material.origin)
    splits = make_splits(task, targets, given, numbers, options.seed)
    require_splits(task, targets, splits, material.origin)
    inferred = {"task": f"{task.kind}: {material.encoded.reason}", **material.inferred}
    inferred.setdefault("splits", _describe_splits(given, numbers is not None, options.seed))
    inputs = material.inputs
    columns = table_columns(inputs.columns, splits["train"]) if isinstance(inputs, Records) else None
    return Dataset(
        name=material.name, origin=material.origin, modality=inputs.modality, task=task, splits=splits,
        given_splits=given is not None, inputs=inputs, targets=targets, row_names=material.row_names, columns=columns,
        group=numbers, input_column=material.input_column, label_columns=material.label_columns, inferred=inferred,
    )  # fmt: skip


def _usable(material: Material) -> np.ndarray | None:
    """Return the given splits, or None where they name one split only; a training split is a must."""
    given = material.given
    if given is None or len(np.unique(given)) == 1:
        return None
    if not (given == 0).any():
        raise UserError(f"{material.origin} gives a validation and a test split but none called train; name it train.")
    return given


def _describe_splits(given: np.ndarray | None, grouped: bool, seed: int) -> str:
    how = "by whole groups" if grouped else "stratified"
    if given is None:
        return f"none were given, so they were made, {how}, with seed {seed}"
    lacking = [name for number, name in enumerate(SPLITS) if not (given == number).any()]
    if not lacking:
        return "given with the data"
    return f"given with the data; {' and '.join(lacking)} from the training part, {how}, with seed {seed}"


def table_columns(columns: Columns, rows: np.ndarray) -> TableColumns:
    """Return a table's features, with the categories that the training rows have."""
    schema = columns.table.schema
    numeric = tuple(field.name for field in schema if field.type == pa.float64())
    chosen = np.zeros(len(columns), bool)
    chosen[rows] = True
    categorical = {
        field.name: _categories(columns, field.name, chosen) for field in schema if field.name not in numeric
    }
    return TableColumns(numeric, categorical)


def _categories(columns: Columns, name: str, chosen: np.ndarray) -> tuple[str, ...]:
    found: set[str] = set()
    for start, values in columns.chunks(name):
        kept = values.filter(pa.array(chosen[start : start + len(values)])).drop_null()
        found.update(pc.unique(kept).to_pylist())  # type: ignore[attr-defined]
    return tuple(sorted(found))
