"""Semantic segmentation: a class of every pixel. Labels are masks, predictions maps of class numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import numpy as np

from headstart.kinds.base import Array
from headstart.kinds.structured import Structured

IGNORED = 255
"""In a mask, a pixel that has no label: it teaches nothing and judges nothing."""


@dataclass(frozen=True)
class Mask:
    """The classes of a picture's pixels, read when they are asked for.

    Parameters
    ----------
    name : of the file, for messages. size : height and width.
    amounts : pixels of each class [k]. digest : of all pixels.
    load : gives class numbers [h, w] (uint8), `IGNORED` where there is no label.
    """

    name: str
    size: tuple[int, int]
    amounts: tuple[int, ...]
    digest: bytes
    load: Callable[[], Array] = field(repr=False, compare=False)

    def read(self) -> Array:
        return self.load()

    def renumbered(self, places: tuple[int, ...], n: int) -> Mask:
        """Return the mask of classes that have other numbers, ``places``, among ``n``."""
        table = np.full(256, IGNORED, np.uint8)
        table[: len(places)] = places
        amounts = np.zeros(n, np.int64)
        amounts[list(places)] = self.amounts
        load = self.load
        return replace(self, amounts=tuple(map(int, amounts)), load=lambda: table[load()])

    def cropped(self, box: tuple[int, int, int, int]) -> Mask:
        """Return the part in a box (left, top, right, bottom); its amounts are not counted."""
        left, top, right, bottom = box
        load, digest = self.load, blake2b(self.digest + repr(box).encode(), digest_size=16).digest()
        part = replace(self, size=(bottom - top, right - left), amounts=(), digest=digest)
        return replace(part, load=lambda: load()[top:bottom, left:right])

    def words(self, names: tuple[str, ...]) -> str:
        return shares_in_words(self.amounts, names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mask) and (self.size, self.digest) == (other.size, other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)


class Masks(Structured):
    """Each pixel has one class."""

    logic = "headstart.tasks.segmentation:Segmentation"
    metrics = ("iou", "mean_iou", "dice", "boundary_f1", "pixel_accuracy")
    shares = frozenset(metrics)
    writes = "a folder of masks (--out FOLDER)"
    meaning = "probabilities of every class in every pixel, adding up to 1"
    purpose = "It tells of every pixel of {unit} which one of these classes it belongs to: {names}."

    def refused(self, labels: Array) -> str:
        if len(self.names) < 2:
            only = f"one value only ('{self.names[0]}')" if self.names else "no pixel with a class"
            return f"has masks with {only}; segmentation needs at least two classes"
        return ""

    def answers(self, predictions: Array) -> list[Any]:
        counts = [np.bincount(one.ravel(), minlength=256)[: len(self.names)] for one in predictions]
        return [shares_in_words(tuple(map(int, count)), self.names) for count in counts]

    def details(self, prediction: Array) -> dict[str, float]:
        inside = prediction[prediction != IGNORED]
        return {
            f"share({name})": round(float((inside == number).mean()), 6) if inside.size else 0.0
            for number, name in enumerate(self.names)
        }


def shares_in_words(amounts: tuple[int, ...], names: tuple[str, ...]) -> str:
    """Say which classes take which share of the pixels, the largest first.

    Examples
    --------
    >>> shares_in_words((75, 0, 25), ("soil", "sky", "tree"))
    'soil 75.0%, tree 25.0%'
    """
    total = max(sum(amounts), 1)
    found = sorted(zip(amounts, names, strict=True), key=lambda pair: -pair[0])
    return ", ".join(f"{name} {100 * amount / total:.1f}%" for amount, name in found[:6] if amount)
