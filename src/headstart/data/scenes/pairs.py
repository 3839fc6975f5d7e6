"""Pictures and their label files side by side, with or without splits above or below them."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from headstart.data.dataset import SPLITS
from headstart.data.folder_names import require_text
from headstart.data.folders import loose_files, subfolders
from headstart.data.images import ENDINGS
from headstart.data.splits import SPLIT_NAMES
from headstart.errors import UserError

PICTURES = frozenset({"images", "image", "imgs", "img", "jpegimages", "pictures"})


class Pairs(NamedTuple):
    """Paths relative to ``root``, one of each per sample; ``split`` is its number, None where none are given."""

    root: Path
    pictures: list[str]
    labels: list[str]
    split: np.ndarray | None


class Place(NamedTuple):
    """A folder of pictures and one of label files, relative to the root; the split's name, empty for none."""

    pictures: str
    labels: str
    split: str


def find_places(root: Path, names: Collection[str]) -> list[Place]:
    """Return where pictures and label files lie: ``images`` beside ``masks``, below splits or with splits below."""
    here = _pair(root, "", names)
    if here is not None:
        pictures, labels = here
        inner = [name for name in subfolders(root / pictures) if name.lower() in SPLIT_NAMES]
        if not inner:
            return [Place(pictures, labels, "")]
        return [Place(f"{pictures}/{name}", f"{labels}/{name}", name) for name in inner]
    outer = subfolders(root)
    if not outer or not all(name.lower() in SPLIT_NAMES for name in outer):
        return []
    found = {name: _pair(root, name, names) for name in outer}
    if not any(found.values()):
        return []
    lacking = [name for name, pair in found.items() if pair is None]
    if lacking:
        raise UserError(
            f"{root / lacking[0]} holds no folder of labels beside its pictures, as the other splits do; add them, or "
            f"open {root / next(name for name, pair in found.items() if pair)} alone."
        )
    return [Place(*pair, name) for name, pair in found.items() if pair is not None]


def _pair(root: Path, below: str, names: Collection[str]) -> tuple[str, str] | None:
    inner = subfolders(root / below)
    pictures = [name for name in inner if name.lower() in PICTURES]
    labels = [name for name in inner if name.lower() in names]
    if len(pictures) != 1 or not labels:
        return None
    if len(labels) > 1:
        raise UserError(
            f"{root / below} holds several folders that may be the labels ({', '.join(labels)}); keep one of them."
        )
    return (f"{below}/{pictures[0]}", f"{below}/{labels[0]}") if below else (pictures[0], labels[0])


def find_pairs(root: Path, places: Sequence[Place], endings: Collection[str], what: str) -> Pairs:
    """Return every picture with its label file, by the same name; one that lacks its counterpart is an error."""
    pictures: list[str] = []
    labels: list[str] = []
    split: list[int] = []
    for place in places:
        mine = _files(root, place.pictures, ENDINGS, "pictures")
        theirs = _files(root, place.labels, endings, what + "s")
        for stem, name in mine.items():
            pictures.append(f"{place.pictures}/{name}")
            labels.append(f"{place.labels}/{_counterpart(root, place, stem, name, mine, theirs, what)}")
            split.append(SPLITS.index(SPLIT_NAMES[place.split.lower()]) if place.split else 0)
        if len(theirs) > len(mine):
            used = {Path(name).name for name in labels}
            left = next(name for name in theirs.values() if name not in used)
            raise UserError(f"{root / place.labels / left} is a {what} of no picture in {place.pictures}; remove it.")
    given = np.array(split, np.int8) if places[0].split else None
    return Pairs(root, pictures, labels, given)


def _files(root: Path, below: str, endings: Collection[str], what: str) -> dict[str, str]:
    """Return stem to file name, sorted."""
    if not (root / below).is_dir():
        raise UserError(f"{root / below} does not exist, where {what} are expected; add it.")
    found: dict[str, str] = {}
    for name in loose_files(root / below):
        stem, ending = os.path.splitext(name)
        if ending.lower() not in endings:
            continue
        require_text(root / below / name)
        if stem in found:
            raise UserError(f"{root / below} holds '{found[stem]}' and '{name}', of one name; remove one of them.")
        found[stem] = name
    if not found:
        raise UserError(f"{root / below} holds no {what} ({', '.join(sorted(endings)[:6])} ...); fill it.")
    return found


def _counterpart(
    root: Path, place: Place, stem: str, name: str, mine: dict[str, str], theirs: dict[str, str], what: str
) -> str:
    """Return the label file of a picture: of the same name, or of the same beginning up to ``_`` where that is one."""
    if stem in theirs:
        return theirs[stem]
    start = stem.split("_")[0]
    alike = [other for key, other in theirs.items() if key.split("_")[0] == start]
    if len(alike) == 1 and sum(key.split("_")[0] == start for key in mine) == 1:
        return alike[0]
    raise UserError(
        f"{root / place.pictures / name} has no {what} in {place.labels}: '{stem}' is the name that is expected; add "
        "it, or take the picture out."
    )
