"""Detection: where which things are. Labels are boxes per picture, predictions boxes with a class and a confidence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from headstart.kinds.base import Array
from headstart.kinds.structured import Structured

SHOWN = 0.5
"""Confidence from which a box is said to be there where one answer has to be given."""


@dataclass(frozen=True)
class Boxes:
    """The boxes of a picture.

    Parameters
    ----------
    name : of the picture. size : height and width in pixels.
    boxes : [m, 4] (float32) x1, y1, x2, y2 in pixels of the picture, x1 < x2, y1 < y2. numbers : [m] (int64) classes.
    amounts : how many of each class [k]. digest : of all.
    """

    name: str
    size: tuple[int, int]
    boxes: Array = field(repr=False, compare=False)
    numbers: Array = field(repr=False, compare=False)
    amounts: tuple[int, ...]
    digest: bytes

    def renumbered(self, places: tuple[int, ...], n: int) -> Boxes:
        """Return the boxes of classes that have other numbers, ``places``, among ``n``."""
        numbers = np.asarray(places, np.int64)[self.numbers] if len(self.numbers) else self.numbers
        return replace(self, numbers=numbers, amounts=tuple(map(int, np.bincount(numbers, minlength=n))))

    def words(self, names: tuple[str, ...]) -> str:
        return counted([names[number] for number in self.numbers])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Boxes) and (self.size, self.digest) == (other.size, other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)


class BoxSets(Structured):
    """Each picture has any number of boxes, each of one class.

    Predictions are [n, most, 6] (float32): x1, y1, x2, y2 on the canvas, confidence, class number; the most confident
    first, and -1 for a class where there are no more.
    """

    logic = "headstart.tasks.detection:Detection"
    metrics = ("f1", "map50", "map", "map75", "map_small", "map_medium", "map_large", "recall")
    shares = frozenset(metrics)
    meaning = "boxes x1, y1, x2, y2, their confidence and class number, the most confident first"
    purpose = "It finds these things in {unit}, with a box around each: {names}."
    writes = "boxes (--out FILE.coco.json, or a CSV with a row per box)"

    def refused(self, labels: Array) -> str:
        return "" if self.names else "has no box at all; detection needs pictures with boxes"

    def per_class(self, labels: Array) -> int:
        """Return how many boxes a class has, as the median over classes."""
        return int(np.median(np.sum([label.amounts for label in labels], axis=0))) if len(labels) else 0

    def answers(self, predictions: Array) -> list[Any]:
        found = []
        for boxes in predictions:
            sure = boxes[(boxes[:, 5] >= 0) & (boxes[:, 4] >= SHOWN)]
            found.append(counted([self.names[int(number)] for number in sure[:, 5]]))
        return found


def counted(names: list[str]) -> str:
    """Say how many of each there are.

    Examples
    --------
    >>> counted(["cell", "dust", "cell"]), counted([])
    ('2 cell, 1 dust', 'nothing')
    """
    return ", ".join(f"{n} {name}" for name, n in sorted(Counter(names).items())) or "nothing"
