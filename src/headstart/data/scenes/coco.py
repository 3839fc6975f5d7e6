"""COCO: JSON files with ``images``, ``categories`` and ``annotations``, one per split or one for all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.data.folders import subfolders
from headstart.data.material import Material, Options
from headstart.data.scenes.boxes import Picture, box_material, number_of
from headstart.data.scenes.listed import listing_files, picture_place, splits_of
from headstart.errors import UserError
from headstart.schema import Items, Number, Record, Text, Whole, require
from headstart.storage import read_json

NAME = Text(most=10_000)
KEYS = ("images", "annotations", "categories")
COCO = Record(
    {
        "images": Items(Record({"id": Whole(), "file_name": NAME}), 1),
        "annotations": Items(Record({"image_id": Whole(), "category_id": Whole()})),
        "categories": Items(Record({"id": Whole(), "name": NAME}), 1),
    }
)
BOX = Items(Number(), 4, 4)


def has_coco(path: Path) -> bool:
    """Whether a folder, its ``annotations`` or the folders of its splits hold a JSON file as COCO writes them."""
    return bool(coco_files(path))


def annotated(path: Path) -> tuple[list[tuple[str, int | None, list[tuple[dict[str, Any], str]]]], dict[int, str]]:
    """Return pictures with their split and annotations, each with where it stands, and the categories by number."""
    names: dict[int, str] = {}
    found = []
    files = coco_files(path)
    for file, split in zip(files, splits_of(path, files, "JSON"), strict=True):
        value = require(read_json(path / file), COCO, path / file)
        mine: list[Picture] = []
        _pictures(path, file, value, split, names, mine, boxes=False)
        outlines: dict[int, list[tuple[dict[str, Any], str]]] = {image["id"]: [] for image in value["images"]}
        for number, one in enumerate(value["annotations"]):
            outlines[one["image_id"]].append((one, f"{path / file}, annotation {one.get('id', number)}"))
        found += [(one.path, one.split, parts) for one, parts in zip(mine, outlines.values(), strict=True)]
    return found, names


def coco_files(path: Path) -> list[str]:
    """Return such files, relative to the folder."""
    if found := listing_files(path, ".json", _looks):
        return found
    named = [name for name in listing_files(path, ".json", Path.is_file) if name.lower().startswith("annotations/")]
    return named if "images" in subfolders(path) else []


def _looks(file: Path) -> bool:
    """Whether a file is such a JSON; read by its first and last kilobytes, since it may be large."""
    with file.open("rb") as stream:
        head = stream.read(2**16)
        stream.seek(max(0, file.stat().st_size - 2**16))
        tail = stream.read()
    return head.lstrip()[:1] == b"{" and sum(f'"{key}"'.encode() in head + tail for key in KEYS) >= 2


def read_coco(path: Path, options: Options) -> Material:
    """Read COCO's JSON; crowds (``iscrowd``) are left out, as its evaluation leaves them out.

    A file whose name, or folder, has the word train, val or test in it is that split.
    """
    files = coco_files(path)
    names: dict[int, str] = {}
    read, crowds = [], 0
    for file, split in zip(files, splits_of(path, files, "JSON"), strict=True):
        value = require(read_json(path / file), COCO, path / file)
        left = _pictures(path, file, value, split, names, read)
        crowds += left
    said = f"{crowds} crowds (iscrowd) are left out." if crowds else ""
    ordered = [names[number] for number in sorted(names)]
    if len(set(ordered)) < len(ordered):
        twice = next(name for name in ordered if ordered.count(name) > 1)
        raise UserError(f"{path} has two categories called '{twice}'; give each a name of its own.")
    return box_material(path, read, options, "COCO", ordered, left_out=said)


def _pictures(
    root: Path, file: str, value: dict[str, Any], split: int | None, names: dict[int, str], read: list[Picture],
    *, boxes: bool = True,
) -> int:  # fmt: skip
    """Add a file's pictures and categories; return how many crowds were left out."""
    for category in value["categories"]:
        if names.setdefault(category["id"], category["name"]) != category["name"]:
            raise UserError(
                f"{root / file} calls the category {category['id']} '{category['name']}', and another file or "
                f"entry calls "
                f"it '{names[category['id']]}'; give a class one number and one name."
            )
    mine: dict[int, Picture] = {}
    for image in value["images"]:
        if image["id"] in mine:
            raise UserError(f"{root / file} has two images with the id {image['id']}; number them apart.")
        size = None if None in (said := (image.get("height"), image.get("width"))) else said
        mine[image["id"]] = Picture(picture_place(root, file, image["file_name"]), split, size=size)
    crowds = 0
    for number, one in enumerate(value["annotations"]):
        where = f"{root / file}, annotation {one.get('id', number)}"
        if one["image_id"] not in mine:
            raise UserError(f"{where} is of the image {one['image_id']}, which the file does not list; correct it.")
        if one["category_id"] not in names:
            raise UserError(f"{where} has the category {one['category_id']}, which the file does not list; correct it.")
        if not boxes:
            continue
        if one.get("iscrowd"):
            crowds += 1
            continue
        require(one.get("bbox"), BOX, f"{where}, bbox")
        x, y, width, height = (number_of(corner, where) for corner in one["bbox"])
        box = (x, y, x + width, y + height, names[one["category_id"]], where)
        mine[one["image_id"]].boxes.append(box)
    read += mine.values()
    return crowds
