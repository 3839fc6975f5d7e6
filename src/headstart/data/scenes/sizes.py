"""The size of a picture as it is shown, from its header alone."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from headstart.data.images import orientation


def upright_size(path: Path) -> tuple[int, int] | None:
    """Return height and width after the turn that EXIF asks for; None where the header cannot be read."""
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            return (width, height) if orientation(picture) in (5, 6, 7, 8) else (height, width)
    except Exception:  # Pillow raises nearly anything on a damaged file
        return None
