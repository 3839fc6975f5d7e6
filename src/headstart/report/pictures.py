"""One input, small enough to lie in a report."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from PIL import Image

from headstart.storage import atomic_write

TEXT_LENGTH = 400
COLUMNS = 24
SIDE = 160


def show(folder: Path, stem: str, raw: Any, side: int = SIDE) -> dict[str, Any]:
    """Return ``{"picture": file}``, ``{"text": ...}`` or ``{"row": {...}}`` for a raw sample."""
    if isinstance(raw, Image.Image):
        return {"picture": save_picture(folder, stem, thumbnail(raw, side))}
    if isinstance(raw, str):
        return {"text": shorten(raw)}
    return {"row": {str(name): _cell(value) for name, value in list(dict(raw).items())[:COLUMNS]}}


def thumbnail(image: Image.Image, side: int = SIDE) -> Image.Image:
    """Return an RGB copy with its longer side near ``side``; small images grow by whole factors, unblurred."""
    image = image.convert("RGB")
    longest = max(image.size)
    if longest <= side // 2:
        factor = side // longest
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    scale = min(1.0, side / longest)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def save_picture(folder: Path, stem: str, image: Image.Image) -> str:
    """Write the smaller-fitting format (PNG for few colours, JPEG for photographs) and return the file's name."""
    drawn = image.getcolors(maxcolors=512) is not None
    name = f"{stem}.png" if drawn else f"{stem}.jpg"
    atomic_write(folder / name, lambda path: _write(image, path, drawn))
    return name


def _write(image: Image.Image, path: Path, drawn: bool) -> None:
    if drawn:
        image.save(path, format="PNG", optimize=True)
    else:
        image.save(path, format="JPEG", quality=86)


def shorten(text: str) -> str:
    """Return the first `TEXT_LENGTH` characters, with an ellipsis where something was cut."""
    text = " ".join(text.split())
    return text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - 1].rstrip() + "…"


def _cell(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, bool | int | float) else str(value)
