"""A picture twice: with its true boxes, and with those that were found, right and wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from headstart.functional.detections import Found, overlaps

SIDE, GAP = 480, 6
TRUE, HIT, FALSE, MISSED = (70, 130, 230), (30, 160, 60), (210, 30, 30), (240, 150, 20)
LEGEND = (
    "Left: the true boxes, in blue where they were found and in orange where they were missed. Right: the boxes "
    "that were "
    "said, in green where they are right and in red where nothing of that class is there."
)


def compared(raw: Any, size: tuple[int, int], truth: Found, said: Found) -> Image.Image:
    """Return both panels side by side, as `LEGEND` says."""
    picture = raw.convert("RGB") if isinstance(raw, Image.Image) else Image.fromarray(np.asarray(raw)).convert("RGB")
    scale = min(1.0, SIDE / max(picture.size))
    small = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    factor = small.width / size[1]
    found, right = _pairs(truth, said)
    panels = [small.copy(), small.copy()]
    _draw(panels[0], truth.boxes * factor, [TRUE if one else MISSED for one in found])
    _draw(panels[1], said.boxes * factor, [HIT if one else FALSE for one in right])
    canvas = Image.new("RGB", (2 * small.width + GAP, small.height), (255, 255, 255))
    canvas.paste(panels[0], (0, 0))
    canvas.paste(panels[1], (small.width + GAP, 0))
    return canvas


def _pairs(truth: Found, said: Found) -> tuple[np.ndarray, np.ndarray]:
    """Return which true boxes are found, and which said ones are right, at an overlap of one half."""
    found, right = np.zeros(len(truth.boxes), bool), np.zeros(len(said.boxes), bool)
    shared = overlaps(said.boxes, truth.boxes.astype(np.float64))
    shared[said.numbers[:, None] != truth.numbers[None, :]] = 0
    for place in range(len(right)):
        values = np.where(found, -1.0, shared[place])
        if len(values) and values.max() >= 0.5:
            found[values.argmax()] = right[place] = True
    return found, right


def _draw(picture: Image.Image, boxes: np.ndarray, colours: list[tuple[int, int, int]]) -> None:
    pen = ImageDraw.Draw(picture)
    for box, colour in zip(boxes, colours, strict=True):
        pen.rectangle([float(value) for value in box], outline=colour, width=2)
