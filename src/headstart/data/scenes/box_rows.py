"""A CSV with a row per box: image, xmin, ymin, xmax, ymax and class; a split, where there is one."""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path

from headstart.data.dataset import SPLITS
from headstart.data.material import Material, Options
from headstart.data.scenes.boxes import Picture, box_material, number_of
from headstart.data.scenes.listed import listing_files, picture_place, splits_of
from headstart.data.splits import SPLIT_NAMES
from headstart.errors import UserError

IMAGE = ("image", "filename", "file_name", "file", "path", "image_path")
CLASS = ("class", "label", "name", "category")
CORNERS = ("xmin", "ymin", "xmax", "ymax")
OTHERS = {"xmin": "x1", "ymin": "y1", "xmax": "x2", "ymax": "y2"}
MOST_BYTES = 2**30


def has_rows(path: Path) -> bool:
    """Whether a CSV file has the columns of boxes."""
    if not path.is_file() or path.suffix.lower() != ".csv":
        return False
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return _columns(next(csv.reader([file.readline(2**16)]), [])) is not None


def _columns(header: list[str]) -> dict[str, int] | None:
    lowered = [name.strip().lower() for name in header]
    found = {key: lowered.index(key if key in lowered else other) for key, other in OTHERS.items()
             if key in lowered or other in lowered}  # fmt: skip
    for key, names in (("image", IMAGE), ("class", CLASS)):
        known = [name for name in names if name in lowered]
        found |= {key: lowered.index(known[0])} if known else {}
    if not {*CORNERS, "image", "class"} <= set(found):
        return None
    return found | ({"split": lowered.index("split")} if "split" in lowered else {})


def row_files(path: Path) -> list[str]:
    """Return such files of a folder, relative to it: one for all, or one per split."""
    return listing_files(path, ".csv", has_rows)


def has_row_files(path: Path) -> bool:
    """Whether a folder holds such a CSV beside its pictures, in ``annotations`` or in the folders of its splits."""
    return path.is_dir() and bool(row_files(path))


def read_rows(path: Path, options: Options) -> Material:
    """Read a CSV of boxes; paths of pictures are relative to it, and a row without corners says that there is "
    "no box."""
    pictures: dict[str, Picture] = {}
    _add(path, pictures, lambda name: name, None)
    return box_material(path.parent, list(pictures.values()), options, "a CSV with a row per box", place=path)


def read_row_files(path: Path, options: Options) -> Material:
    """Read a folder with a CSV of boxes, or one per split; one whose name, or folder, has train, val or test in it is
    that split."""
    pictures: dict[str, Picture] = {}
    files = row_files(path)
    for file, split in zip(files, splits_of(path, files, "CSV"), strict=True):
        _add(path / file, pictures, partial(picture_place, path, file), split)
    return box_material(path, list(pictures.values()), options, "a CSV with a row per box")


def _add(path: Path, pictures: dict[str, Picture], place: Callable[[str], str], split: int | None) -> None:
    """Add a file's pictures with their boxes; ``split`` is the file's, where it has one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read ({error}); a CSV in UTF-8 is expected.") from None
    columns = _columns(rows[0]) or {}
    places: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        where = f"{path}, line {number}"
        if not row:
            continue
        if len(row) != len(rows[0]):
            raise UserError(f"{where}, has {len(row)} cells, and the header {len(rows[0])}; correct it.")
        cells = {key: row[column].strip() for key, column in columns.items()}
        said = _split(cells, where) if split is None else split
        name = places.get(cells["image"]) or places.setdefault(cells["image"], place(cells["image"]))
        one = pictures.setdefault(name, Picture(name, said))
        if one.split != said:
            raise UserError(f"{where}, puts {cells['image']} into a second split; a picture lies in one.")
        if not any(cells[key] for key in CORNERS):
            continue
        if not cells["class"]:
            raise UserError(f"{where}, has no class; name it.")
        x1, y1, x2, y2 = (number_of(cells[key], where) for key in CORNERS)
        one.boxes.append((x1, y1, x2, y2, cells["class"], where))
    if not places:
        raise UserError(f"{path} has no row; a row per box is expected.")


def _split(cells: dict[str, str], where: str) -> int | None:
    if "split" not in cells:
        return None
    name = cells["split"].lower()
    if name not in SPLIT_NAMES:
        raise UserError(f"{where}, has the split '{name[:40]}'; train, validation or test is expected.")
    return SPLITS.index(SPLIT_NAMES[name])
