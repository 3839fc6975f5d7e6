"""What the report of a source without labels shows: curves, reconstructions, and what is unusual."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from headstart.data import Dataset
from headstart.engine import raw_fetch
from headstart.networks.decoders import reconstruct
from headstart.networks.image_preprocess import ImagePreprocess
from headstart.report.pictures import save_picture, show, thumbnail
from headstart.storage import write_json
from headstart.workflow.self_supervised.training import Learned, Measured

SHOWN = 10
"""Samples of each kind that the page shows."""
SIDE = 96


def write_evidence(folder: Path, dataset: Dataset, learned: Learned, held_out: Measured) -> None:
    """Write ``blind.json`` and its pictures."""
    found: dict[str, Any] = {"n": len(dataset.splits["test"]), "usual": [], "samples": [], "unusual": []}
    errors, rows = held_out.errors, dataset.splits["test"]
    folder.mkdir(parents=True, exist_ok=True)
    if errors is not None:
        found["usual"] = np.quantile(errors, np.linspace(0, 1, 41)).tolist()
        middle = np.argsort(np.abs(errors - np.median(errors)), kind="stable")[:SHOWN]
        for part, chosen in (("samples", middle), ("unusual", np.argsort(-errors, kind="stable")[:SHOWN])):
            found[part] = _told(folder, part, dataset, rows[chosen], errors[chosen], learned)
    write_json(folder / "blind.json", found)


def _told(
    folder: Path, part: str, dataset: Dataset, rows: np.ndarray, errors: np.ndarray, learned: Learned
) -> list[dict[str, Any]]:
    said = [{"name": name, "anomaly": float(error)} for name, error in zip(dataset.names(rows), errors, strict=True)]
    preprocess = learned.network.preprocess
    if not isinstance(preprocess, ImagePreprocess):
        return [one | show(folder, part, raw) for one, raw in zip(said, dataset.raw(rows), strict=True)]
    assert learned.decoder is not None
    x = raw_fetch(dataset, rows, preprocess)(np.arange(len(rows)), 0)
    decoded = reconstruct(learned.network, learned.decoder, x)[1]
    pairs = zip(said, learned.decoder.wanted(x), decoded, strict=True)  # type: ignore[operator]
    return [
        one
        | {
            name: save_picture(folder, f"{part}-{number}-{name}", thumbnail(picture_of(pixels, preprocess), SIDE))
            for name, pixels in (("before", before), ("after", after))
        }
        for number, (one, before, after) in enumerate(pairs)
    ]


def picture_of(pixels: Any, preprocess: ImagePreprocess) -> Image.Image:
    """Return a picture of the network's input [channels, h, w], its normalisation undone."""
    mean, std = (np.array(part, dtype=np.float32)[:, None, None] for part in (preprocess.mean, preprocess.std))
    values = np.clip((pixels.numpy() * std + mean) * 255, 0, 255).round().astype(np.uint8)
    return Image.fromarray(values[0] if len(values) == 1 else values.transpose(1, 2, 0))
