"""Folders of pictures and masks: numbers, two values, or colours; every mask is read once when they are opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from headstart.data.arrow import Columns
from headstart.data.folder_names import printable
from headstart.data.images import ENDINGS
from headstart.data.inputs import DIGEST_BYTES, Files
from headstart.data.labels import Encoded
from headstart.data.like import renumbered_names
from headstart.data.material import Material, Options
from headstart.data.memory import ran_out, too_little
from headstart.data.scenes.legend import Legend, find_legend
from headstart.data.scenes.pairs import Pairs, find_pairs, find_places
from headstart.data.scenes.sizes import upright_size
from headstart.errors import UserError
from headstart.kinds.masks import IGNORED, Mask
from headstart.kinds.structured import objects
from headstart.problem import Task

FOLDERS = frozenset({
    "masks", "mask", "labels", "label", "annotations", "segmentation", "segmentations", "segmentationclass",
    "1st_manual", "manual", "gt", "groundtruth", "ground_truth",
})  # fmt: skip
MOST_VALUES = 64
"""Different values of masks up to which each is a class."""
Array = np.ndarray


def has_masks(path: Path) -> bool:
    """Whether a folder holds pictures, and beside them a folder of picture files that are called masks or labels."""
    places = find_places(path, FOLDERS)
    if not places:
        return False
    first = path / places[0].labels
    return first.is_dir() and any(entry.suffix.lower() in ENDINGS for entry in first.iterdir())


def read_masks(path: Path, options: Options) -> Material:
    """Read a folder of pictures and masks.

    Raises
    ------
    UserError
        For a picture without a mask, a mask that cannot be read, is of another size than its picture, or holds a value
        or colour that means no class; the file is named.
    """
    pairs = find_pairs(path, find_places(path, FOLDERS), ENDINGS, "mask")
    scans = [_scan(pairs, number) for number in range(len(pairs.labels))]
    known = None if options.like is None else options.like.task.classes
    legend = find_legend(path, [(scan.name, scan.values) for scan in scans], known)
    masks = objects([_mask(scan, legend) for scan in scans])
    encoded = Encoded(Task("segmentation", legend.names), masks, legend.reason, legend.warnings)
    if options.like is not None:
        encoded = renumbered_names(encoded, options.like.task)
    index = pa.Table.from_arrays([pa.array(pairs.pictures, pa.string())], names=["path"])
    inputs = Files(Columns(index), path, "image")
    inferred = {"modality": "image: by the endings of the files", "label": legend.reason}
    return Material(
        printable(path.resolve().name), printable(str(path)), inputs, inputs.names, encoded, pairs.split,
        inferred=inferred,
    )  # fmt: skip


@dataclass(frozen=True)
class _Scan:
    """What one mask holds: its values with their numbers of pixels, and its size."""

    path: Path
    name: str
    size: tuple[int, int]
    values: dict[int, int]
    digest: bytes


def _scan(pairs: Pairs, number: int) -> _Scan:
    path = pairs.root / pairs.labels[number]
    codes = read_codes(path, pairs.labels[number])
    picture = pairs.root / pairs.pictures[number]
    size = upright_size(picture)  # None: the picture is damaged, which the check of all pictures says
    if size is not None and size != codes.shape:
        raise UserError(
            f"{path} has {codes.shape[1]} x {codes.shape[0]} pixels, and its picture {picture.name} has "
            f"{size[1]} x {size[0]}; give the mask the size of its picture."
        )
    values, counts = np.unique(codes, return_counts=True)
    digest = blake2b(repr(codes.shape).encode() + codes.tobytes(), digest_size=DIGEST_BYTES).digest()
    found = dict(zip(values.tolist(), counts.tolist(), strict=True))
    return _Scan(path, pairs.labels[number], codes.shape, found, digest)


def read_codes(path: Path, name: str) -> Array:
    """Return a mask's pixels as numbers [h, w] (int32): its grey values or palette numbers; of colours ``-1 - RGB``.

    A coloured picture of which all pixels are grey counts as grey.
    """
    try:
        with Image.open(path) as picture:
            if picture.mode in ("L", "P", "1", "I", "I;16", "I;16B"):
                return np.asarray(picture).astype(np.int32)
            if picture.mode == "F":
                return _whole(np.asarray(picture), path)
            rgb = np.asarray(picture.convert("RGB")).astype(np.int32)
    except UserError:
        raise
    except Exception as error:  # Pillow raises nearly anything on a damaged file
        if ran_out(error):
            raise too_little(name) from error
        raise UserError(f"The mask {path} cannot be read ({error}); repair it or take its picture out.") from None
    if (rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all():
        return rgb[..., 0]
    return -1 - (rgb[..., 0] * 65536 + rgb[..., 1] * 256 + rgb[..., 2])


def _whole(values: Array, path: Path) -> Array:
    if not np.isfinite(values).all() or (values != np.rint(values)).any() or np.abs(values).max(initial=0) >= 2**31:
        raise UserError(f"The mask {path} holds numbers that are not whole; give a whole number per class.")
    return values.astype(np.int32)


def _mask(scan: _Scan, legend: Legend) -> Mask:
    amounts = np.zeros(len(legend.names), np.int64)
    for value, count in scan.values.items():
        place = legend.place(value, scan.name)
        if place != IGNORED:
            amounts[place] += count
    load = partial(load_mask, scan.path, scan.name, legend, scan.size)
    return Mask(scan.name, scan.size, tuple(map(int, amounts)), scan.digest, load)


def load_mask(path: Path, name: str, legend: Legend, size: tuple[int, int]) -> Array:
    """Return class numbers [h, w] of a mask that was scanned before."""
    codes = read_codes(path, name)
    if codes.shape != size:
        raise UserError(f"The mask {path} has changed while it was worked with; start again.")
    values, inverse = np.unique(codes, return_inverse=True)
    return np.array([legend.place(value, name) for value in values.tolist()], np.uint8)[inverse].reshape(size)


def walk_masks(masks: Array) -> Iterator[Array]:
    """Yield the pixels of masks, one at a time."""
    for mask in masks:
        yield mask.read()
