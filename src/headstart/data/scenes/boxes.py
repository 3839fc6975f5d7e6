"""From boxes as files give them to checked labels: what is repaired, what is left out, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
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
from headstart.data.scenes.sizes import said_sizes, upright_size
from headstart.errors import UserError
from headstart.kinds.boxes import Boxes
from headstart.kinds.structured import objects
from headstart.problem import Task, class_order

MOST_LEFT_OUT = 0.05
"""Share of boxes that may be left out with a word; more is refused."""
SLACK = 1.0
"""Pixels by which a box may reach over the border unsaid: files count from 0 or from 1."""
LEAST = 1e-3


@dataclass
class Picture:
    """A picture and its boxes as a file gives them.

    Parameters
    ----------
    path : relative to the root. split : its number, None where none is given. boxes : x1, y1, x2, y2, class, and where
        the box stands, for messages. shares : whether coordinates are shares of the picture's sides. size : height and
        width as the file says them, None where it does not.
    """

    path: str
    split: int | None = None
    boxes: list[tuple[float, float, float, float, str, str]] = field(default_factory=list)
    shares: bool = False
    size: tuple[int, int] | None = None


def box_material(
    root: Path, pictures: list[Picture], options: Options, reason: str, classes: Iterable[str] | None = None,
    *, place: Path | None = None, left_out: str = "",
) -> Material:  # fmt: skip
    """Return checked boxes as material.

    A box that reaches over its picture's border is cut there; one that lies outside, or has no area, is left out, and
    both are said. Where more than 5% of the boxes would be left out the data are refused. Pictures without boxes stay.

    Parameters
    ----------
    classes : in the order of their numbers, where the files have one; else by name.
    place : what messages and the run call the data; by default the root. left_out : what a reader left out, in words.
    """
    place = root if place is None else place
    names = list(classes) if classes is not None else class_order({box[4] for one in pictures for box in one.boxes})
    checks = _Checks(str(place))
    labels = objects([_label(root, one, names, checks) for one in pictures])
    checks.refuse()
    if not checks.total and options.like is None:
        raise UserError(f"{place} holds no box at all; give the boxes of some pictures.")
    used = [number for number in range(len(names)) if any(label.amounts[number] for label in labels)]
    unused = [name for number, name in enumerate(names) if number not in used]
    if options.like is None and unused and used:
        places = np.zeros(len(names), np.int64)
        places[used] = np.arange(len(used))
        labels = objects([label.renumbered(tuple(places.tolist()), len(used)) for label in labels])
        names = [names[number] for number in used]
    warnings = [*checks.warnings(), *said_sizes(place, checks.sizes), *([left_out] if left_out else [])]
    if unused and options.like is None:
        warnings.append(f"Classes without a box are left out: {', '.join(unused[:10])}.")
    task = Task("detection", tuple(names), primary="map50")
    encoded = Encoded(task, labels, reason, tuple(warnings))
    if options.like is not None:
        encoded = renumbered_names(encoded, options.like.task)
    given = None if pictures[0].split is None else np.array([one.split for one in pictures], np.int8)
    index = pa.Table.from_arrays([pa.array([one.path for one in pictures], pa.string())], names=["path"])
    inputs = Files(Columns(index), root, "image")
    empty = sum(not len(label.boxes) for label in labels)
    said = f"{reason}; {sum(len(label.boxes) for label in labels)} boxes, {empty} pictures without one"
    return Material(
        printable(place.resolve().name), printable(str(place)), inputs, inputs.names, encoded, given,
        inferred={"modality": "image: by the endings of the files", "label": said},
    )  # fmt: skip


class _Checks:
    """What is wrong with boxes, counted, with the first of each."""

    def __init__(self, place: str) -> None:
        self.place, self.total = place, 0
        self.found: dict[str, list[str]] = {"cut": [], "outside": [], "empty": []}
        self.sizes: list[tuple[str, tuple[int, int] | None, tuple[int, int] | None]] = []

    def refuse(self) -> None:
        left = self.found["outside"] + self.found["empty"]
        if len(left) > MOST_LEFT_OUT * self.total:
            raise UserError(
                f"{len(left)} of the {self.total} boxes of {self.place} have no area or lie outside of their "
                f"pictures, more "
                f"than {MOST_LEFT_OUT:.0%} (first {left[0]}); correct them: x1 < x2 and y1 < y2, in the "
                f"pictures' pixels."
            )

    def warnings(self) -> list[str]:
        words = {
            "cut": "reach over their pictures' borders and are cut there",
            "outside": "lie outside of their pictures and are left out",
            "empty": "have no area and are left out",
        }
        return [f"{len(found)} boxes {words[what]}, first {found[0]}." for what, found in self.found.items() if found]


def _label(root: Path, one: Picture, names: list[str], checks: _Checks) -> Boxes:
    size = upright_size(root / one.path)
    checks.sizes.append((one.path, one.size, size))
    if not (root / one.path).is_file():
        raise UserError(f"{root / one.path} does not exist, and boxes are given for it; add it or take them out.")
    height, width = size or (2**31, 2**31)  # a damaged picture is left out by the check of all pictures
    boxes, numbers = [], []
    for *corners, name, where in one.boxes:
        checks.total += 1
        if not all(math.isfinite(value) for value in corners):
            raise UserError(f"{where} has a corner that is no finite number; correct it.")
        if name not in names:
            raise UserError(f"{where} has the class '{name}', which is none of {', '.join(names[:10])}; correct it.")
        scaled = (
            [value * side for value, side in zip(corners, [width, height] * 2, strict=True)] if one.shares else corners
        )
        x1, y1, x2, y2 = scaled
        cut = [min(max(x1, 0.0), width), min(max(y1, 0.0), height), min(max(x2, 0.0), width), min(max(y2, 0.0), height)]
        if x2 - x1 <= LEAST or y2 - y1 <= LEAST:
            checks.found["empty"].append(where)
            continue
        if cut[2] - cut[0] <= LEAST or cut[3] - cut[1] <= LEAST:
            checks.found["outside"].append(where)
            continue
        if max(abs(a - b) for a, b in zip(cut, scaled, strict=True)) > SLACK:
            checks.found["cut"].append(where)
        boxes.append(cut)
        numbers.append(names.index(name))
    array = np.array(boxes, np.float32).reshape(-1, 4)
    classes = np.array(numbers, np.int64)
    amounts = tuple(map(int, np.bincount(classes, minlength=len(names))))
    words = repr((size, [names[number] for number in numbers])).encode()
    digest = blake2b(words + array.tobytes(), digest_size=DIGEST_BYTES).digest()
    return Boxes(one.path, (height, width), array, classes, amounts, digest)


def number_of(value: Any, where: str) -> float:
    """Return a corner as a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UserError(f"{where} has the corner {str(value)[:40]!r}, which is no number; correct it.") from None
