"""Pictures of answers in space: truth, answer and error side by side, and masks with a palette."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from headstart.errors import UserError
from headstart.kinds.masks import IGNORED
from headstart.storage import atomic_write, write_json

Array = np.ndarray
SIDE = 320
GAP = 6
STRENGTH = 0.55
"""Share of a class's colour over its picture."""
RIGHT, WRONG, UNKNOWN = (205, 225, 205), (200, 30, 30), (128, 128, 128)
LEGEND = "From left to right: the picture, the true mask over it, the answer over it, and the errors (red)."


def palette(n: int) -> Array:
    """Return n colours [n, 3] (uint8), each far from the ones before; the first is black."""
    numbers = np.arange(n)
    bits = np.arange(8)
    colour = np.zeros((n, 3), np.int64)
    for place in range(3):  # the palette of PASCAL VOC: bits 0, 1, 2 of the number, dealt to red, green and blue
        for shift in range(8):
            colour[:, place] |= ((numbers >> (3 * shift + place)) & 1) << (7 - bits[shift])
    return colour.astype(np.uint8)


def compared(raw: Any, truth: Array, said: Array) -> Image.Image:
    """Return picture, truth, answer and errors side by side, as `LEGEND` says."""
    picture = raw.convert("RGB") if isinstance(raw, Image.Image) else Image.fromarray(np.asarray(raw)).convert("RGB")
    scale = min(1.0, SIDE / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
    true, mine = (np.asarray(Image.fromarray(one).resize(size, Image.Resampling.NEAREST)) for one in (truth, said))
    errors = np.full((*true.shape, 3), RIGHT, np.uint8)
    errors[true != mine] = WRONG
    errors[true == IGNORED] = UNKNOWN
    panels = [small, _over(small, true), _over(small, mine), errors]
    gap = np.full((size[1], GAP, 3), 255, np.uint8)
    return Image.fromarray(np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1))


def _over(picture: Array, numbers: Array) -> Array:
    """Return the picture with each class but the first in its colour."""
    colours = palette(256)[numbers].astype(np.float64)
    mixed = np.where((numbers > 0)[..., None], STRENGTH * colours + (1 - STRENGTH) * picture, picture)
    mixed = np.where((numbers == IGNORED)[..., None], UNKNOWN, mixed)
    return mixed.astype(np.uint8)


def write_masks(
    dataset: Any,
    predictions: Array,
    names: tuple[str, ...],
    out: Path,
    restored: Callable[[Array, tuple[int, int]], Array],
) -> None:
    """Write ``out/NAME.png`` for each picture, in its own size, and ``out/classes.txt`` and ``classes.json``."""
    stems = [Path(name).stem for name in dataset.names(np.arange(len(dataset)))]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None) if len(set(stems)) < len(stems) else None
    if twice is not None:
        raise UserError(f"Two pictures are called '{twice}', and their masks would be one file; predict them apart.")
    out.mkdir(parents=True, exist_ok=True)
    colours = palette(256).ravel().tolist()
    for row, (stem, said) in enumerate(zip(stems, predictions, strict=True)):
        picture = dataset.raw([row])[0]
        mask = Image.fromarray(restored(said, (picture.height, picture.width)), mode="P")
        mask.putpalette(colours)
        atomic_write(out / f"{stem}.png", lambda path, mask=mask: mask.save(path, format="PNG"))
    write_json(out / "classes.json", dict(enumerate(names)))
