"""Whole pictures for tasks with masks or boxes: every label moves with its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageEnhance
from torch import Tensor

from headstart.functional.placement import Placement, plain_placement
from headstart.networks.image_tensors import INTERPOLATIONS, standardised
from headstart.networks.preprocess import Preprocess
from headstart.storage import write_json

WHOLE = "whole"
SMALLEST, LARGEST = 0.75, 1.33
"""Scale of an augmented view, relative to the plain one."""
COLOURS = 0.2
"""By which share an augmented view changes brightness and contrast at most."""


@dataclass(frozen=True)
class ScenePreprocess(Preprocess):
    """Turns n PIL images into [n, channels, size, size]: the whole picture, its shape kept, on a canvas of the mean.

    A seeded view has another scale (0.75 to 1.33) and place, is mirrored by chance if ``flip``, and its brightness and
    contrast change by up to a fifth. The placement is a function of the picture's size and the seed alone, so that
    labels follow it.

    Parameters
    ----------
    size : side of the canvas in pixels. interpolation, mean, std, channels, flip : as of `ImagePreprocess`.
    """

    size: int
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    channels: Literal[1, 3] = 3
    flip: bool = True

    modality = "image"  # type: ignore[assignment]

    def whole(self, size: int) -> ScenePreprocess:
        return replace(self, size=size)

    def placement(self, width: int, height: int, seed: int | None = None) -> Placement:
        """Return where a picture of this size lies in the plain view, or in the view of a seed."""
        plain = plain_placement(self.size, width, height)
        if seed is None:
            return plain
        random = np.random.default_rng(seed)
        scale = float(np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST))))
        across, down = max(1, round(plain.across * scale)), max(1, round(plain.down * scale))
        left, top = (
            _shift(random, self.size, side, most) for side, most in ((across, plain.across), (down, plain.down))
        )
        mirrored = self.flip and bool(random.random() < 0.5)
        return replace(plain, across=across, down=down, left=left, top=top, mirrored=mirrored)

    def __call__(self, raws: list[Any], seeds: list[int | None] | None = None) -> Tensor:
        given = [None] * len(raws) if seeds is None else seeds
        views = [self.view(raw, seed) for raw, seed in zip(raws, given, strict=True)]
        return standardised(views, self.size, self.mean, self.std)

    def view(self, raw: Any, seed: int | None) -> Image.Image:
        """Return the canvas of one picture."""
        image = raw if isinstance(raw, Image.Image) else Image.fromarray(np.asarray(raw))
        mode = "RGB" if self.channels == 3 else "L"
        image = image if image.mode == mode else image.convert(mode)
        placement = self.placement(*image.size, seed)
        if seed is not None:
            random = np.random.default_rng([seed, 1])
            for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast):
                image = enhance(image).enhance(float(random.uniform(1 - COLOURS, 1 + COLOURS)))
        return placement.picture(image, INTERPOLATIONS[self.interpolation], fill_of(self.mean))

    @property
    def augments(self) -> bool:
        return True

    def to_json(self) -> dict[str, Any]:
        value = asdict(self)
        return {"modality": "image", "frame": WHOLE, **value, "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ScenePreprocess:
        kept = {name: item for name, item in value.items() if name not in ("modality", "frame")}
        return cls(**{**kept, "mean": tuple(value["mean"]), "std": tuple(value["std"])})

    def save(self, directory: Path) -> None:
        write_json(Path(directory) / "preprocess.json", self.to_json())


def fill_of(mean: Sequence[float]) -> Any:
    """Return the colour of the canvas: the mean, which is 0 once it is standardised."""
    levels = tuple(round(255 * one) for one in mean)
    return levels[0] if len(levels) == 1 else levels


def _shift(random: np.random.Generator, size: int, side: int, plain: int) -> int:
    """Return a corner: anywhere where a picture fits on the canvas; where it does not, so that it fills its place."""
    room = size - side
    if side <= plain:
        return int(random.integers(0, room + 1)) if room > 0 else 0
    return int(random.integers(min(0, plain - side), max(0, room) + 1))
