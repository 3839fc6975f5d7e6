"""Where a picture lies on a square canvas, so that masks and boxes can follow it there and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Placement:
    """Where a picture of ``width`` x ``height`` pixels lies on a square canvas.

    It is resized to ``across`` x ``down`` pixels, its corner is put at (``left``, ``top``), and the canvas is then
    mirrored where ``mirrored``. What lies outside is cut off.
    """

    size: int
    width: int
    height: int
    across: int
    down: int
    left: int = 0
    top: int = 0
    mirrored: bool = False

    def picture(self, image: Image.Image, resample: Image.Resampling, fill: Any) -> Image.Image:
        """Return the canvas with a picture, or with a mask (mode L, nearest), on it."""
        canvas = Image.new(image.mode, (self.size, self.size), fill)
        canvas.paste(image.resize((self.across, self.down), resample), (self.left, self.top))
        return canvas.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if self.mirrored else canvas

    def boxes(self, boxes: np.ndarray) -> np.ndarray:
        """Return boxes [m, 4] (x1, y1, x2, y2) of the picture on the canvas; they may reach outside."""
        moved = boxes * np.array([self.across / self.width, self.down / self.height] * 2)
        moved = moved + np.array([self.left, self.top] * 2)
        if self.mirrored:
            moved[:, [0, 2]] = self.size - moved[:, [2, 0]]
        return moved

    def back(self, boxes: np.ndarray) -> np.ndarray:
        """Return boxes [m, 4] of the canvas in the picture, cut at its borders; the inverse of `boxes`."""
        boxes = np.array(boxes, dtype=np.float64).reshape(-1, 4)
        if self.mirrored:
            boxes[:, [0, 2]] = self.size - boxes[:, [2, 0]]
        found = (boxes - np.array([self.left, self.top] * 2)) / np.array(
            [self.across / self.width, self.down / self.height] * 2
        )
        return found.clip(0, np.array([self.width, self.height] * 2))


def plain_placement(size: int, width: int, height: int) -> Placement:
    """Return the placement in the upper left corner, the longer side filling the canvas."""
    scale = size / max(width, height)
    return Placement(size, width, height, max(1, round(width * scale)), max(1, round(height * scale)))
