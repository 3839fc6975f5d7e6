"""`open_data`: any labelled data, as a `Dataset`."""

from __future__ import annotations

import numbers
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.data import arrays, folders, tables
from headstart.data.assembling import assemble
from headstart.data.dataset import SPLITS, Dataset
from headstart.data.folder_names import printable
from headstart.data.frame import Frame
from headstart.data.material import Material, Options, from_arrays, from_folder, from_frame
from headstart.data.pairs import as_names, is_frame, join_labels
from headstart.data.scenes import scene_material
from headstart.data.scenes.reading import refuse_other
from headstart.data.splits import SPLIT_NAMES
from headstart.data.testing import beside, join_test, material_of
from headstart.errors import UserError, nearest
from headstart.isolated import isolate
from headstart.kinds import TASKS
from headstart.problem import READINGS

ENDINGS = tuple(sorted(tables.TABLE_ENDINGS | {".npz"}))


@isolate
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
    test: Any = None,
    singles: bool = False,
) -> Dataset:
    """Open labelled data of any kind (`headstart.open`).

    Parameters
    ----------
    data : a folder ``class/x.jpg`` or ``train|val|test/class/x.jpg``; a folder of pictures with masks
        (`headstart.data.scenes`); a CSV, TSV, Parquet or JSON lines file (or a
        folder of them called train, validation, test); a ``.npz`` file; a pandas DataFrame; ``(X, y)`` or a dict of
        arrays; a `datasets.Dataset` or `DatasetDict`. A `Dataset` is given back as it is.
    label : the label column, or several (a list, or names joined by commas): several columns of 0 and 1 are
        multi-label, several columns of numbers multi-target regression.
    group : a column (or, for arrays, an array [n]) whose groups never straddle a split.
    task, modality : instead of what is inferred.
    seed : of the splits that are made.
    text, image : the column of texts, or of image paths relative to the file.
    test : labelled data of the same form that are the split "test"; all of ``data`` then trains and validates.
    singles : whether a class may have one sample only, or be the only one: labels that name people, not classes.

    Raises
    ------
    UserError
        One sentence with file, row or column, for anything that cannot be read or would make the result wrong.
    """
    if isinstance(data, Dataset) and test is None:
        return data
    columns = group if isinstance(group, str) or hasattr(group, "__len__") else as_names(group)
    options = Options(as_names(label), columns, task, modality, seed, as_names(text), as_names(image), singles=singles)
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or not 0 <= int(seed) < 2**32:
        raise UserError(f"--seed is {str(seed)[:40]}; expected a whole number from 0 to {2**32 - 1:,}.")
    _require_known("task", task, TASKS)
    _require_known("modality", modality, READINGS)
    material = material_of(data) if isinstance(data, Dataset) else gather(data, options)
    if test is not None:
        material = join_test(material, _gather_test(test, beside(material, options)), seed)
    return assemble(material, options)


def _gather_test(test: Any, options: Options) -> Material:
    try:
        return gather(test, options)
    except UserError as error:
        raise UserError(f"--test: {error}") from error


def _require_known(option: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise UserError(f"The {option} '{value}' is not known; {nearest(value, known)}")


def gather(data: Any, options: Options) -> Material:
    """Return inputs, labels and given splits of any kind of data."""
    if isinstance(data, str | Path):
        if data == "":
            raise UserError("An empty name was given instead of the data's path; name a file or a folder.")
        return scene_material(require_path(Path(data)), options) or _from_path(Path(data), options)
    refuse_other(f"An object of type {type(data).__name__}", options.task)
    if isinstance(data, tuple):
        if len(data) == 2 and is_frame(data[0]):
            joined, names = join_labels(*data)
            return from_frame(tables.read_pandas(joined), replace(options, label=names), "(X, y)", "(X, y)")
        return from_arrays(arrays.read_pair(data), options, "arrays", "numpy arrays")
    frame = frame_of(data)
    if frame is not None:
        return from_frame(frame, options, _type_name(data), _type_name(data))
    if isinstance(data, Mapping):
        return from_arrays(arrays.read_mapping(data), options, "arrays", "numpy arrays")
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
    try:
        path = path.expanduser()
    except RuntimeError as error:  # ~nobody
        raise UserError(f"{path} does not exist ({error}); give the whole path.") from None
    if os.path.exists(path):  # `Path.exists` raises where a name is too long
        return path
    parent, shown = path.parent, str(path) if len(str(path)) <= 200 else f"{str(path)[:200]}..."
    if len(path.name) > 255 or not os.path.exists(parent):
        raise UserError(f"{shown} does not exist, and neither does its folder {str(parent)[:200]}.")
    known = sorted(entry.name for entry in parent.iterdir() if not entry.name.startswith("."))
    hint = nearest(path.name, known) if len(known) <= 20 or "did you" in nearest(path.name, known) else ""
    raise UserError(f"{path} does not exist; {hint or 'check the name'}" if known else f"{path} does not exist.")


def _from_path(path: Path, options: Options) -> Material:
    path = require_path(path)
    name, origin = printable(path.resolve().name), printable(str(path))
    if path.is_file():
        if tables.ending(path) == ".npz":
            return from_arrays(arrays.read_npz(path), options, name, origin)
        _require_table(path)
        return from_frame(tables.read_files([path], [None]), options, name, origin)
    if (path / "dataset_dict.json").exists() or (path / "state.json").exists():
        return from_frame(tables.read_datasets(tables.load_saved_datasets(path)), options, name, origin)
    files = _split_tables(path)
    if files:
        return from_frame(tables.read_files(list(files), list(files.values())), options, name, origin)
    return from_folder(path, options)


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
