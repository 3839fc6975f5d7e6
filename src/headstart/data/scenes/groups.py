"""Which pictures belong together (of one patient, of one stack): ``groups.csv`` beside them, read where it is there."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from headstart.data.material import Material
from headstart.errors import UserError

FILE = "groups.csv"


def with_groups(material: Material, path: Path) -> Material:
    """Return the material with the groups that a folder's ``groups.csv`` gives its pictures; no group is parted.

    Its columns are ``image``, a path in the folder, a file's name or that without its ending, and ``group``.

    Raises
    ------
    UserError
        If a picture has no group or several, or a line names no picture.
    """
    file = path / FILE
    if not file.is_file():
        return material
    pictures = material.row_names(np.arange(len(material.inputs)))
    rows = _read(file)
    found: dict[int, str] = {}
    keys = _keys(pictures)
    for line, (name, group) in rows.items():
        places = keys.get(name, [])
        if len(places) != 1:
            what = "no picture" if not places else f"{len(places)} pictures, so name it by its path in the folder"
            raise UserError(f"{file}, line {line}: '{name[:100]}' is {what}; correct it.")
        if found.setdefault(places[0], group) != group:
            raise UserError(f"{file}, line {line}, gives '{name[:100]}' a second group; a picture has one.")
    lacking = [name for row, name in enumerate(pictures) if row not in found]
    if lacking:
        raise UserError(f"{file} gives no group to {len(lacking)} pictures, first '{lacking[0]}'; add a line for each.")
    groups = [found[row] for row in range(len(pictures))]
    names, numbers = np.unique(groups, return_inverse=True)
    return replace(material, group=(numbers.ravel().astype(np.int64), [str(name) for name in names]))


def _keys(pictures: list[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, name in enumerate(pictures):
        whole = PurePosixPath(name)
        for key in {name, whole.name, whole.stem}:
            found.setdefault(key, []).append(row)
    return found


def _read(file: Path) -> dict[int, tuple[str, str]]:
    """Return line number to image and group."""
    try:
        lines = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{file} is no table ({error}); a header image,group and a line per picture are expected."
        ) from None
    head = [cell.strip().lower() for cell in lines[0]] if lines else []
    if not {"image", "group"} <= set(head):
        raise UserError(f"{file} lacks the columns image and group; a line per picture is expected.")
    places, found = (head.index("image"), head.index("group")), {}
    for number, cells in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        values = [cells[place].strip() if place < len(cells) else "" for place in places]
        if not all(values):
            raise UserError(f"{file}, line {number}, lacks its image or its group; give both.")
        found[number] = (values[0], values[1])
    return found
