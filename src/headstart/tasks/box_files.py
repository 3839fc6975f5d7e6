"""Boxes that were found, as files: COCO's JSON, and a CSV with a row per box."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headstart.functional.detections import Found
from headstart.storage import write_json, write_text


def boxes_of(
    dataset: Any, predictions: np.ndarray, names: tuple[str, ...], found_in: Callable[..., Found]
) -> list[Found]:
    """Return the boxes of every picture of an open `Dataset` in its own pixels."""
    found = []
    for row, said in enumerate(predictions):
        picture = dataset.raw([row])[0]
        found.append(found_in(said, (picture.height, picture.width)))
    return found


def write_coco(dataset: Any, found: list[Found], names: tuple[str, ...], out: Path) -> None:
    """Write ``images``, ``categories`` and ``annotations`` with ``bbox`` [x, y, width, height] and ``score``."""
    images, annotations = [], []
    for row, (name, one) in enumerate(zip(dataset.names(np.arange(len(dataset))), found, strict=True)):
        picture = dataset.raw([row])[0]
        images.append({"id": row + 1, "file_name": name, "width": picture.width, "height": picture.height})
        for box, number, score in zip(one.boxes, one.numbers, one.scores, strict=True):
            x1, y1, x2, y2 = (round(float(value), 2) for value in box)
            annotations.append({
                "id": len(annotations) + 1, "image_id": row + 1, "category_id": int(number) + 1,
                "bbox": [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)], "area": round((x2 - x1) * (y2 - y1), 2),
                "iscrowd": 0, "score": round(float(score), 4),
            })  # fmt: skip
    categories = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
    write_json(out, {"images": images, "categories": categories, "annotations": annotations})


def write_rows(dataset: Any, found: list[Found], names: tuple[str, ...], out: Path) -> None:
    """Write a row per box: image, class, confidence, xmin, ymin, xmax, ymax."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "class", "confidence", "xmin", "ymin", "xmax", "ymax"])
    for name, one in zip(dataset.names(np.arange(len(dataset))), found, strict=True):
        for box, number, score in zip(one.boxes, one.numbers, one.scores, strict=True):
            writer.writerow([name, names[int(number)], round(float(score), 4), *(round(float(v), 2) for v in box)])
    write_text(out, text.getvalue())


WRITERS: dict[str, Callable[[Any, list[Found], tuple[str, ...], Path], None]] = {
    ".json": write_coco,
    ".csv": write_rows,
}
