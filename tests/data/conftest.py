"""Tiny data, drawn here."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (24, 24)) -> Image.Image:
    """A smooth colour picture that no other seed resembles."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def draw():
    return picture


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes ``{place: count}`` as folders of different pictures."""

    def write(places: dict[str, int], root: Path | None = None, ending: str = ".png") -> Path:
        root = tmp_path / "pictures" if root is None else root
        seed = 0
        for place, count in places.items():
            (root / place).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                picture(seed := seed + 1).save(root / place / f"{number}{ending}")
        return root

    return write


@pytest.fixture
def write(tmp_path):
    """Return a function that writes text or bytes to a file and gives its path."""

    def to_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file
