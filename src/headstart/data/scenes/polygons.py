"""COCO's polygons as masks: what several cover belongs to the last, and crowds have no label."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headstart.data.arrow import Columns
from headstart.data.folder_names import printable
from headstart.data.inputs import DIGEST_BYTES, Files
from headstart.data.labels import Encoded
from headstart.data.like import renumbered_names
from headstart.data.material import Material, Options
from headstart.data.scenes.coco import annotated, coco_files
from headstart.data.scenes.sizes import upright_size
from headstart.errors import UserError
from headstart.kinds.masks import IGNORED, Mask
from headstart.kinds.structured import objects
from headstart.problem import Task
from headstart.schema import Either, Items, Number, Record, Whole, require

BACKGROUND = "background"
POLYGON = Items(Number(), 6)
RUNS = Record({"size": Items(Whole(1), 2, 2), "counts": Items(Whole(0))})
SHAPE = Either((Items(POLYGON, 1), RUNS))
Part = tuple[int, Any, str]
"""A class number (`IGNORED` for a crowd), polygons or runs, and where they stand."""
Array = np.ndarray


def has_polygons(path: Path) -> bool:
    """Whether a folder holds COCO's JSON with outlines in it."""
    return any(b'"segmentation"' in (path / name).read_bytes() for name in coco_files(path))


def read_polygons(path: Path, options: Options) -> Material:
    """Read COCO's polygons, and runs that are lists of counts, as masks; class 0 is the background.

    Raises
    ------
    UserError
        For an annotation without an outline, or with compressed runs; it is named.
    """
    pictures, names = annotated(path)
    ordered = sorted(names)
    number = {category: place + 1 for place, category in enumerate(ordered)}
    classes = (BACKGROUND, *(names[category] for category in ordered))
    if len(set(classes)) < len(classes):
        raise UserError(f"{path} has two categories of one name, or one called '{BACKGROUND}'; name them apart.")
    masks = objects([_mask(path, place, parts, number, len(classes)) for place, _, parts in pictures])
    encoded = Encoded(Task("segmentation", classes), masks, "COCO's polygons")
    if options.like is not None:
        encoded = renumbered_names(encoded, options.like.task)
    index = pa.Table.from_arrays([pa.array([place for place, _, _ in pictures], pa.string())], names=["path"])
    inputs = Files(Columns(index), path, "image")
    given = None if pictures[0][1] is None else np.array([split for _, split, _ in pictures], np.int8)
    inferred = {"modality": "image: by the endings of the files", "label": encoded.reason}
    return Material(
        printable(path.resolve().name), printable(str(path)), inputs, inputs.names, encoded, given, inferred=inferred
    )  # fmt: skip


def _mask(root: Path, picture: str, annotations: list[tuple[dict[str, Any], str]], number: Any, n: int) -> Mask:
    size = upright_size(root / picture)
    parts: list[Part] = []
    for one, where in annotations:
        shape = one.get("segmentation")
        _require_shape(shape, where)
        parts.append((IGNORED if one.get("iscrowd") else number[one["category_id"]], shape, where))
    whole = size or (1, 1)  # a damaged picture, which the check of all pictures says
    drawn = draw_mask(whole, parts)
    amounts = np.bincount(drawn.ravel(), minlength=IGNORED + 1)[:n]
    digest = blake2b(repr(whole).encode() + drawn.tobytes(), digest_size=DIGEST_BYTES).digest()
    return Mask(picture, whole, tuple(map(int, amounts)), digest, partial(draw_mask, whole, parts))


def _require_shape(shape: Any, where: str) -> None:
    if isinstance(shape, dict) and isinstance(shape.get("counts"), str):
        raise UserError(f"{where} has compressed runs, which are not read; give polygons, or lists of counts.")
    if isinstance(shape, list):
        short = next((one for one in shape if isinstance(one, list) and len(one) < 6), None)
        if short is not None or not shape:
            corners = f"a polygon of {len(short) / 2:g} points" if short is not None else "no polygon"
            raise UserError(f"{where} has {corners}; at least three are needed: correct it, or take it out.")
    require(shape, SHAPE, f"{where}, segmentation")


def draw_mask(size: tuple[int, int], parts: list[Part]) -> Array:
    """Return class numbers [h, w] (uint8): of each pixel that of the last shape that holds its middle; 0 for none."""
    height, width = size
    canvas = np.zeros(size, np.uint8)
    for value, shape, where in parts:
        if isinstance(shape, dict):
            if tuple(shape["size"]) != size or sum(shape["counts"]) != height * width:
                raise UserError(f"{where}: its runs are of another size than its picture; correct them.")
            inside = np.repeat(np.arange(len(shape["counts"])) % 2, shape["counts"]).reshape(width, height).T
            canvas[inside > 0] = value
            continue
        for corners in shape:
            if len(corners) % 2:
                raise UserError(f"{where}: a polygon has {len(corners)} numbers; give x and y of every corner.")
            _fill(canvas, np.array(corners, dtype=np.float64).reshape(-1, 2), value)
    return canvas


def _fill(canvas: Array, corners: Array, value: int) -> None:
    from matplotlib.path import Path as Outline

    limit = (canvas.shape[1], canvas.shape[0])
    left, top = np.floor(corners.min(axis=0)).clip(0, limit).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).clip(0, limit).astype(int)
    down, across = np.mgrid[top:bottom, left:right]
    inside = Outline(corners).contains_points(np.stack([across.ravel(), down.ravel()], axis=1) + 0.5)
    canvas[top:bottom, left:right][inside.reshape(down.shape)] = value
