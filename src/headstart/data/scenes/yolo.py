"""YOLO's text files: a line per box, ``class x y width height``, as shares of the picture's sides."""

from __future__ import annotations

import re
from pathlib import Path

from headstart.data.dataset import SPLITS
from headstart.data.folders import loose_files
from headstart.data.images import ENDINGS
from headstart.data.material import Material, Options
from headstart.data.scenes.boxes import Picture, box_material, number_of
from headstart.data.scenes.pairs import Place, find_places
from headstart.data.splits import SPLIT_NAMES
from headstart.errors import UserError

FOLDERS = frozenset({"labels", "label"})
NAMES_FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names")


def has_yolo(path: Path) -> bool:
    """Whether a folder holds pictures, and beside them a folder ``labels`` of text files."""
    return any(
        (path / place.labels).is_dir()
        and any(name.lower().endswith(".txt") for name in loose_files(path / place.labels))
        for place in find_places(path, FOLDERS)
    )


def read_yolo(path: Path, options: Options) -> Material:
    """Read YOLO's folders; a picture without a text file has no boxes.

    ``data.yaml`` (its ``names``) or ``classes.txt`` names the class numbers; without either they are named by their
    numbers.
    """
    names = _names(path)
    read = [one for place in find_places(path, FOLDERS) for one in _pictures(path, place, names)]
    if not read:
        raise UserError(f"{path} holds text files of boxes but no pictures; add them to images/.")
    return box_material(path, read, options, "YOLO text", names)


def _pictures(root: Path, place: Place, names: list[str] | None) -> list[Picture]:
    split = SPLITS.index(SPLIT_NAMES[place.split.lower()]) if place.split else None
    texts = {Path(name).stem: name for name in loose_files(root / place.labels) if name.lower().endswith(".txt")}
    found = []
    for name in loose_files(root / place.pictures):
        if Path(name).suffix.lower() not in ENDINGS:
            continue
        one = Picture(f"{place.pictures}/{name}", split, shares=True)
        text = texts.pop(Path(name).stem, None)
        if text is not None:
            one.boxes += _boxes(root / place.labels / text, names)
        found.append(one)
    left = [name for name in texts.values() if name not in NAMES_FILES]
    if left:
        raise UserError(
            f"{root / place.labels / left[0]} holds the boxes of no picture in {place.pictures}; remove it."
        )
    return found


def _boxes(file: Path, names: list[str] | None) -> list[tuple[float, float, float, float, str, str]]:
    found = []
    for number, line in enumerate(_lines(file), 1):
        parts, where = line.split(), f"{file}, line {number}"
        if not parts:
            continue
        if len(parts) not in (5, 6):
            raise UserError(f"{where}, has {len(parts)} values; class x y width height are expected.")
        if not re.fullmatch(r"\d{1,6}", parts[0]) or (names is not None and int(parts[0]) >= len(names)):
            known = f"0 to {len(names) - 1}" if names else "a whole number"
            raise UserError(f"{where}, has the class '{parts[0][:40]}', and {known} is expected; correct it.")
        x, y, width, height = (number_of(value, where) for value in parts[1:5])
        if max(abs(x), abs(y), abs(width), abs(height)) > 2:
            raise UserError(f"{where}, has coordinates in pixels; shares of the picture's sides, 0 to 1, are expected.")
        name = names[int(parts[0])] if names is not None else parts[0]
        found.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2, name, where))
    return found


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{file} is no text; class x y width height are expected in each line.") from None


def _names(root: Path) -> list[str] | None:
    for name in NAMES_FILES:
        for file in (root / name, root / "labels" / name):
            if file.is_file():
                return (
                    _of_yaml(file) if name.endswith(("yaml", "yml")) else [x.strip() for x in _lines(file) if x.strip()]
                )
    return None


def _of_yaml(file: Path) -> list[str]:
    """Return ``names`` of a YAML file: a list, or numbers to names."""
    import yaml

    try:
        value = yaml.safe_load("\n".join(_lines(file)))
    except yaml.YAMLError as error:
        raise UserError(f"{file} is no YAML ({error}); repair it.") from None
    names = value.get("names") if isinstance(value, dict) else None
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise UserError(f"{file} has no list 'names'; one name per class number is expected.")
    return [str(name) for name in names]
