"""Golden samples: inputs on which an exported model must agree with the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from headstart.errors import UserError
from headstart.networks.network import Network
from headstart.report.expected import SAMPLES
from headstart.schema import read_checked

SIZES = ((8, 8), (97, 64), (180, 320), (480, 360))
TEXTS = (
    "It was the best of times, it was the worst of times.",
    "short",
    "A longer text whose words go on and on, so that padding and cutting both happen somewhere in the batch. " * 12,
    "Ünïcode, 数字 and a number: 42.",
)


def golden(run_dir: Path, network: Network) -> list[list[Any]]:
    """Return groups of raw samples; a group is fed together. From the run's evidence and a fixed seed."""
    modality = network.preprocess.modality
    if modality == "image":
        return [[image] for image in _images(run_dir)]
    items = _items(run_dir)
    if modality == "text":
        texts = [item["text"] for item in items if isinstance(item.get("text"), str)]
        return [[text] for text in TEXTS] + [[*TEXTS, *texts]]
    rows = _rows(network)
    return [rows[:1], rows]


def _items(run_dir: Path) -> list[dict[str, Any]]:
    path = run_dir / "evidence" / "mistakes.json"
    return read_checked(path, SAMPLES).get("items") or [] if path.is_file() else []


def _images(run_dir: Path) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    images = []
    for height, width in SIZES:
        coarse = Image.fromarray(rng.integers(0, 256, (max(height // 8, 2), max(width // 8, 2), 3), dtype=np.uint8))
        images.append(coarse.resize((width, height), Image.Resampling.BICUBIC))
    for item in _items(run_dir)[:4]:
        path = run_dir / "evidence" / Path(str(item.get("picture"))).name
        if path.is_file():
            images.append(_open(path))
    return images


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(
            f"{path} is no picture that can be opened ({error}); the file is damaged or was edited."
        ) from None


def _rows(network: Network, count: int = 24) -> list[dict[str, Any]]:
    saved, rng = network.preprocess.to_json(), np.random.default_rng(0)
    rows = []
    for _ in range(count):
        row: dict[str, Any] = {c: float(rng.normal(saved["mean"][c], saved["std"][c])) for c in saved["mean"]}
        row |= {c: str(rng.choice([*known, "never seen"])) for c, known in saved["categories"].items()}
        rows.append({c: None if rng.random() < 0.1 else value for c, value in row.items()})
    return rows
