"""Large pictures to learn from by tiles: each tile is a sample of its own, with its part of the label."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from headstart.data.dataset import Dataset
from headstart.data.inputs import Inputs
from headstart.functional.placement import plain_placement
from headstart.functional.stitching import starts
from headstart.kinds.structured import objects

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in a picture's own pixels."""


class TileInputs(Inputs):
    """Parts of other inputs' pictures: ``stored`` [n] are their rows there, ``boxes`` [n] the parts."""

    modality = "image"

    def __init__(self, whole: Inputs, stored: np.ndarray, boxes: list[Box]) -> None:
        self.whole, self.stored, self.boxes = whole, stored, boxes

    def __len__(self) -> int:
        return len(self.boxes)

    def handles(self, rows: np.ndarray) -> list[Any]:
        found = self.whole.handles(self.stored[rows])
        return [(handle, self.boxes[int(row)]) for handle, row in zip(found, rows, strict=True)]

    def load(self, handle: tuple[Any, Box]) -> np.ndarray:
        own, box = handle
        return np.asarray(self.whole.decode(self.whole.load(own)).crop(box))

    def decode(self, content: np.ndarray) -> Image.Image:
        return Image.fromarray(content)


def tiles_of(height: int, width: int, size: int, tile: int) -> list[Box]:
    """Return the parts of a picture that cover it, each ``tile`` pixels wide and high on a canvas of ``size``.

    Examples
    --------
    >>> tiles_of(300, 1000, 1000, 500), tiles_of(40, 60, 120, 60)
    ([(0, 0, 500, 300), (500, 0, 1000, 300)], [(0, 0, 30, 30), (30, 0, 60, 30), (0, 10, 30, 40), (30, 10, 60, 40)])
    """
    plain = plain_placement(size, width, height)
    scale = max(width, height) / size
    corners = [(left, top) for top in starts(plain.down, tile, 0) for left in starts(plain.across, tile, 0)]
    return [
        (
            round(left * scale),
            round(top * scale),
            min(width, round((left + tile) * scale)),
            min(height, round((top + tile) * scale)),
        )
        for left, top in corners
    ]


def tiled(dataset: Dataset, rows: np.ndarray, size: int, tile: int) -> Dataset:
    """Return a data set whose rows are the tiles of some rows' pictures; all of them are to learn from.

    Parameters
    ----------
    size : side of the canvas on which whole pictures enter. tile : side of a tile on it.
    """
    labels = dataset.labels(rows)
    parts = [
        (place, box) for place, label in enumerate(labels) for box in tiles_of(label.size[0], label.size[1], size, tile)
    ]
    whole, names = np.array([place for place, _ in parts], np.int64), dataset.names(rows)
    boxes = [box for _, box in parts]

    def named(of: np.ndarray) -> list[str]:
        return [f"{names[whole[row]]} ({','.join(map(str, boxes[row]))})" for row in np.asarray(of)]

    made = replace(
        dataset,
        inputs=TileInputs(dataset.inputs, dataset.stored(rows)[whole], boxes),
        targets=objects([labels[place].cropped(box) for place, box in parts]),
        row_names=named,
        group=None,
        kept=None,
        _digests=[],
    )
    return made.with_splits({"train": np.arange(len(parts))})
