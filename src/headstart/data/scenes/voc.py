"""Pascal VOC: a folder of XML files, one per picture, and lists of names that are the splits."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

from headstart.data.dataset import SPLITS
from headstart.data.folders import loose_files, subfolders
from headstart.data.images import ENDINGS
from headstart.data.material import Material, Options
from headstart.data.scenes.boxes import Picture, box_material, number_of
from headstart.data.scenes.pairs import PICTURES
from headstart.errors import UserError

FOLDERS = frozenset({"annotations", "annotation", "labels", "xml"})
MOST_BYTES = 2**24
LISTS = (("train", 0), ("val", 1), ("test", 2))


def has_voc(path: Path) -> bool:
    """Whether a folder has pictures, and XML files in a folder beside them or among them."""
    return _places(path) is not None


def _places(path: Path) -> tuple[str, str] | None:
    inner = subfolders(path)
    pictures = next((name for name in inner if name.lower() in PICTURES), "")
    labels = next((name for name in inner if name.lower() in FOLDERS), pictures)
    named = loose_files(path / labels)
    if not any(name.lower().endswith(".xml") for name in named):
        return None
    return pictures or labels, labels


def read_voc(path: Path, options: Options) -> Material:
    """Read Pascal VOC; boxes that are marked ``difficult`` are left out, as its evaluation leaves them out.

    ``ImageSets/Main/train.txt``, ``val.txt`` and ``test.txt`` are the splits, where they are there.
    """
    found = _places(path)
    assert found is not None
    pictures, labels = found
    files = {os.path.splitext(name)[0]: name for name in loose_files(path / pictures) if _is_picture(name)}
    splits = _splits(path)
    read, difficult = [], 0
    for name in loose_files(path / labels):
        stem, ending = os.path.splitext(name)
        if ending.lower() != ".xml" or (splits and stem not in splits):
            continue
        if stem not in files:
            raise UserError(f"{path / labels / name} is of a picture that {path / pictures} does not hold; add "
                            f"it or take "
                            "the file out.")  # fmt: skip
        one, left = _read(path / labels / name, f"{pictures}/{files[stem]}" if pictures else files[stem])
        one.split = splits.get(stem) if splits else None
        read.append(one)
        difficult += left
    lacking = sorted(set(splits) - {os.path.splitext(os.path.basename(one.path))[0] for one in read})
    if lacking:
        raise UserError(f"The lists of {path / 'ImageSets' / 'Main'} name '{lacking[0]}', which has no XML file in "
                        f"{labels}; add it, or take the name out.")  # fmt: skip
    alone = [stem for stem in files if stem not in {os.path.splitext(os.path.basename(one.path))[0] for one in read}]
    said = f"{difficult} boxes that are marked difficult are left out." if difficult else ""
    if alone and not splits:
        said = f"{said} {len(alone)} pictures without an XML file are left out, first {files[alone[0]]}.".strip()
    return box_material(path, read, options, "Pascal VOC", left_out=said)


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in ENDINGS


def _splits(path: Path) -> dict[str, int]:
    """Return the split of each name; empty where there are no lists."""
    found: dict[str, int] = {}
    for name, number in LISTS:
        file = path / "ImageSets" / "Main" / f"{name}.txt"
        if not file.is_file():
            continue
        for line in file.read_text(encoding="utf-8-sig").splitlines():
            stem = line.split()[0] if line.split() else ""
            if stem and found.setdefault(stem, number) != number:
                raise UserError(f"{file} names '{stem}', which lies in the split {SPLITS[found[stem]]} already; "
                                f"a picture "
                                "lies in one split.")  # fmt: skip
    return found


def _read(file: Path, picture: str) -> tuple[Picture, int]:
    content = file.read_bytes() if file.stat().st_size <= MOST_BYTES else b""
    if not content or any(word in content for word in (b"<!DOCTYPE", b"<!ENTITY", b"\0")):
        raise UserError(f"{file} is empty, larger than {MOST_BYTES:,} bytes, or declares entities; plain Pascal VOC is "
                        "expected.")  # fmt: skip
    try:
        tree = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise UserError(f"{file} is no XML ({error}); repair it.") from None
    one, left = Picture(picture, size=_size(tree)), 0
    for number, thing in enumerate(tree.iter("object"), 1):
        where = f"{file}, object {number},"
        if (thing.findtext("difficult") or "0").strip() == "1":
            left += 1
            continue
        name = (thing.findtext("name") or "").strip()
        box = thing.find("bndbox")
        if not name or box is None:
            raise UserError(f"{where} lacks its {'bndbox' if name else 'name'}; add it.")
        corners = [number_of(box.findtext(key), where) for key in ("xmin", "ymin", "xmax", "ymax")]
        one.boxes.append((corners[0], corners[1], corners[2], corners[3], name, where.rstrip(",")))
    return one, left


def _size(tree: ElementTree.Element) -> tuple[int, int] | None:
    """Return height and width as a file says them; None where it leaves them out, or at 0."""
    said = [(tree.findtext(f"size/{side}") or "").strip() for side in ("height", "width")]
    return (int(said[0]), int(said[1])) if all(one.isascii() and one.isdigit() and int(one) for one in said) else None
