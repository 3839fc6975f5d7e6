"""Folders of samples: ``class/x.jpg``, or ``train|val|test/class/x.jpg``; streamed into mapped Arrow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.data.arrow import Columns, spill
from headstart.data.dataset import SPLITS
from headstart.data.folder_names import (
    above,
    class_name,
    enter,
    identity,
    is_folder,
    require_one_spelling,
    require_readable,
)
from headstart.data.images import ENDINGS
from headstart.data.splits import SPLIT_NAMES
from headstart.data.tables import TABLE_ENDINGS, ending
from headstart.errors import UserError
from headstart.problem import class_order

TEXT_ENDINGS = frozenset({".txt"})
VIDEO_ENDINGS = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"})
_ROWS = 4096
_SCHEMA = pa.schema([("path", pa.string()), ("label", pa.int32()), ("split", pa.int8())])
_IGNORED_NAMES = {"__macosx", "thumbs.db", "desktop.ini", "@eadir"}
_DOCUMENTS = ("readme", "license", "licence", "notice", "citation", "manifest", "credits")


@dataclass
class Folder:
    """The index of a folder: columns ``path`` (relative to root), ``label`` (class number) and ``split``."""

    index: Columns
    classes: list[str]
    modality: str
    given: np.ndarray | None
    notes: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass
class _Seen:
    """What kinds of files came by while scanning."""

    kinds: dict[str, str] = field(default_factory=dict)
    ignored: int = 0
    example: str = ""
    empty: list[str] = field(default_factory=list)


def kind_of(name: str) -> str | None:
    """Return image, text, table or clip by a file's ending; None for anything else."""
    suffix = ending(PurePath(name))  # type: ignore[arg-type]
    if suffix in ENDINGS:
        return "image"
    if suffix in TEXT_ENDINGS:
        return "text"
    if suffix in VIDEO_ENDINGS:
        return "clip"
    return "table" if suffix in TABLE_ENDINGS else None


def entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what lies in a folder, without hidden files and what systems leave behind."""
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if not entry.name.startswith(".") and entry.name.lower() not in _IGNORED_NAMES:
                    yield entry
    except OSError as error:
        raise UserError(f"The folder {folder} cannot be read ({error.strerror}).") from error


def subfolders(folder: Path) -> list[str]:
    names = sorted(entry.name for entry in entries(folder) if is_folder(entry))
    for name in names:
        require_readable(folder, name)
    return names


def loose_files(folder: Path) -> list[str]:
    return sorted(entry.name for entry in entries(folder) if os.path.isfile(entry.path))


def scan_classes(root: Path, known: Sequence[str] | None = None) -> Folder:
    """Index a folder whose subfolders are classes, or splits with classes in them.

    Parameters
    ----------
    known : the classes of a finished model. Then no rule for training holds: a class folder may be empty, and splits
        may differ. None for data to learn from.
    """
    outer = subfolders(root)
    by_split = bool(outer) and all(name.lower() in SPLIT_NAMES for name in outer)
    places = {name: subfolders(root / name) for name in outer} if by_split else {"": outer}
    _require_structure(root, places)
    for place, names in places.items():
        require_one_spelling(root / place, names)
    classes = class_order({class_name(name) for names in places.values() for name in names})
    if by_split and known is None:
        _require_same_folders(root, places)
    seen = _Seen()
    index = spill(_class_batches(root, places, classes, seen, may_be_empty=known is not None), _SCHEMA)
    if not seen.kinds:
        raise UserError(f"No class folder of {root} has a sample; fill them.")
    warnings: tuple[str, ...] = ()
    if seen.empty:
        warnings = (f"Class folders without a sample are left out: {_shown(seen.empty)}.",)
        index, classes = _without_empty(index, classes, known or ())
    notes = {"label": "the folders' names are the classes"}
    if seen.ignored:
        notes["ignored"] = f"{seen.ignored} files of other kinds were left out, for example {seen.example}"
    given = index.table.column("split").to_numpy() if by_split else None
    if given is not None and len(np.unique(given)) == 1:
        given = None
    return Folder(index, classes, next(iter(seen.kinds)), given, notes, warnings)


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"


def _without_empty(index: Columns, classes: list[str], known: Sequence[str]) -> tuple[Columns, list[str]]:
    """Leave out classes that the model does not know and that have no sample; the others are numbered anew."""
    labels = index.table.column("label").to_numpy()
    used = [number for number, name in enumerate(classes) if name in known or (labels == number).any()]
    place = np.zeros(len(classes), np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    table = index.table.set_column(1, _SCHEMA.field(1), pa.array(place[labels]))
    return Columns(table), [classes[number] for number in used]


def _require_structure(root: Path, places: dict[str, list[str]]) -> None:
    for outer, names in places.items():
        place = root / outer
        files = loose_files(place)
        data = [name for name in files if kind_of(name) and not name.lower().startswith(_DOCUMENTS)]
        if not names and not data:
            raise UserError(f"The folder {place} is empty; folders of samples, one per class, are expected.")
        if not names:
            raise UserError(
                f"The folder {place} holds files ('{data[0]}') but no folders; put the samples of each class into a "
                "folder of its own."
            )
        if data:
            raise UserError(
                f"The folder {place} holds both class folders and the file '{data[0]}'; keep samples in the class "
                "folders alone, or open the table itself."
            )


def _require_same_folders(root: Path, places: dict[str, list[str]]) -> None:
    (first, names), *others = places.items()
    for outer, found in others:
        if {*map(class_name, found)} != {*map(class_name, names)}:
            raise UserError(
                f"The classes of {root} differ between splits: {first} has {', '.join(names)}; {outer} has "
                f"{', '.join(found)}; give every split the same class folders."
            )


def _class_batches(
    root: Path, places: dict[str, list[str]], classes: list[str], seen: _Seen, *, may_be_empty: bool
) -> Iterator[pa.RecordBatch]:
    number = {name: index for index, name in enumerate(classes)}
    for outer, names in places.items():
        split = SPLITS.index(SPLIT_NAMES[outer.lower()]) if outer else 0
        for name in names:
            paths = sorted_paths(root, os.path.join(outer, name), seen)
            if not len(paths) and may_be_empty:
                seen.empty.append(os.path.join(outer, name))
                continue
            if not len(paths):
                raise UserError(f"The class folder {root / outer / name} has no samples; fill it or remove it.")
            for start in range(0, len(paths), _ROWS):
                part = paths.slice(start, _ROWS)
                label = pa.array(np.full(len(part), number[class_name(name)], np.int32))
                yield pa.record_batch([part, label, pa.array(np.full(len(part), split, np.int8))], schema=_SCHEMA)


def sorted_paths(root: Path, below: str, seen: _Seen) -> pa.Array:
    """Return the samples under ``root/below``, at any depth, relative to root and sorted."""
    pieces = []
    buffer: list[str] = []
    for path in _walk(root, below):
        kind = kind_of(path)
        if kind is None or (kind == "text" and PurePath(path).name.lower().startswith(_DOCUMENTS)):
            seen.ignored, seen.example = seen.ignored + 1, seen.example or path
            continue
        _require_one_kind(root, seen, kind, path)
        buffer.append(path)
        if len(buffer) == _ROWS:
            pieces.append(pa.array(buffer, pa.string()))
            buffer.clear()
    pieces.append(pa.array(buffer, pa.string()))
    whole = pa.concat_arrays(pieces)
    return whole.take(pc.sort_indices(whole))  # type: ignore[attr-defined]


def _walk(root: Path, below: str) -> Iterator[str]:
    waiting = [(below, enter(root / below, above(root) | ({identity(root)} if below else set())))]
    while waiting:
        folder, inside = waiting.pop()
        for entry in entries(root / folder):
            path = os.path.join(folder, entry.name) if folder else entry.name
            require_readable(root / folder, entry.name)
            if is_folder(entry):
                waiting.append((path, enter(entry.path, inside)))
            else:
                yield path.replace(os.sep, "/")


def _require_one_kind(root: Path, seen: _Seen, kind: str, path: str) -> None:
    if kind not in seen.kinds:
        seen.kinds[kind] = path
    if kind == "table":
        raise UserError(f"{root} mixes a table ('{path}') into its folders of samples; open the table by itself.")
    if len(seen.kinds) > 1:
        named = " and ".join(f"{what}s ('{where}')" for what, where in seen.kinds.items())
        raise UserError(f"{root} mixes {named}; keep one kind of data in a folder.")


def scan_loose(root: Path, modality: str) -> tuple[Columns, dict[str, str]]:
    """Index all samples under a folder, at any depth, without classes: for predict."""
    seen = _Seen()
    paths = sorted_paths(root, "", seen)
    if not len(paths):
        raise UserError(f"The folder {root} holds no {modality}s; give a folder of {modality}s.")
    if next(iter(seen.kinds)) != modality:
        other, where = next(iter(seen.kinds.items()))
        raise UserError(f"The folder {root} holds {other}s ('{where}'), but {modality}s are expected.")
    notes = {"ignored": f"{seen.ignored} files of other kinds were left out, for example {seen.example}"}
    schema = pa.schema([("path", pa.string())])
    return spill(pa.Table.from_arrays([paths], schema=schema).to_batches(_ROWS), schema), notes if seen.ignored else {}
