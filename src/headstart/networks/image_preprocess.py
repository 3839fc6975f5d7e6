"""Images: resize, centre crop, normalise; gentle augmented views made from a seed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from torch import Tensor

from headstart.networks.image_tensors import INTERPOLATIONS, standardised
from headstart.networks.image_views import jittered_crop, shaken
from headstart.networks.preprocess import Preprocess
from headstart.networks.scene_preprocess import ScenePreprocess
from headstart.storage import write_json


@dataclass(frozen=True)
class ImagePreprocess(Preprocess):
    """Turns n PIL images into a float tensor [n, channels, size, size], normalised per channel.

    The plain view is timm's evaluation transform: the shorter side becomes ``floor(size / crop_pct)`` pixels, the
    centre ``size`` x ``size`` is cut out, and ``(x / 255 - mean) / std``. A seeded view is a random resized crop
    with a slight change of colours and, if ``flip``, a mirror image; for one channel (characters, X-rays) a small
    shift, turn and change of scale instead.

    Parameters
    ----------
    size : side of the square that enters the network, in pixels.
    crop_pct : share of the shorter side that the centre crop keeps.
    interpolation : nearest, bilinear, bicubic or lanczos.
    mean, std : per channel, in units of the full range (0 to 1).
    channels : 3 (RGB) or 1 (grey).
    crop_mode : "center", or "squash" to resize both sides to ``size / crop_pct`` whatever the aspect.
    flip : whether a mirror image is the same kind of thing (not so for characters).
    """

    size: int
    crop_pct: float = 0.875
    interpolation: str = "bicubic"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    channels: Literal[1, 3] = 3
    crop_mode: Literal["center", "squash"] = "center"
    flip: bool = True

    modality = "image"  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.channels not in (1, 3) or len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ValueError(
                f"{self.channels} channels need as many means and standard deviations; channels are 1 or 3."
            )
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(f"interpolation is one of {', '.join(INTERPOLATIONS)}, not {self.interpolation!r}.")

    def __call__(self, raws: list[Any], seeds: list[int | None] | None = None) -> Tensor:
        images = [raw if isinstance(raw, Image.Image) else Image.fromarray(np.asarray(raw)) for raw in raws]
        mode = "RGB" if self.channels == 3 else "L"
        images = [image if image.mode == mode else image.convert(mode) for image in images]
        if seeds is None:
            views = [self.plain(image) for image in images]
        else:
            pairs = zip(images, seeds, strict=True)
            views = [self.plain(image) if seed is None else self.view(image, seed) for image, seed in pairs]
        return self.to_tensor(views)

    def plain(self, image: Image.Image) -> Image.Image:
        """Return the plain view: resized, centre cropped."""
        short = math.floor(self.size / self.crop_pct + 1e-6)
        width, height = image.size
        if self.crop_mode == "squash":
            wanted = (short, short)
        elif width <= height:
            wanted = (short, int(short * height / width))
        else:
            wanted = (int(short * width / height), short)
        if wanted != image.size:
            image = image.resize(wanted, INTERPOLATIONS[self.interpolation])
        left, top = round((image.width - self.size) / 2.0), round((image.height - self.size) / 2.0)
        return image.crop((left, top, left + self.size, top + self.size))

    def view(self, image: Image.Image, seed: int) -> Image.Image:
        """Return an augmented view, a function of the image and the seed alone."""
        random = np.random.default_rng(seed)
        if self.channels == 1:
            return shaken(self.plain(image), random)
        return jittered_crop(image, self.size, INTERPOLATIONS[self.interpolation], self.flip, random)

    def to_tensor(self, views: list[Image.Image]) -> Tensor:
        """Return [n, channels, size, size] from views of the right size and mode."""
        return standardised(views, self.size, self.mean, self.std)

    def whole(self, size: int) -> ScenePreprocess:
        # Pillow widens the kernel when it makes a picture smaller, so that bilinear does not alias
        return ScenePreprocess(size, "bilinear", self.mean, self.std, self.channels, self.flip)

    @property
    def augments(self) -> bool:
        return True

    def to_json(self) -> dict[str, Any]:
        value = asdict(self)
        return {"modality": "image", **value, "mean": list(self.mean), "std": list(self.std), "views": 1}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ImagePreprocess:
        kept = {name: item for name, item in value.items() if name not in ("modality", "views")}
        return cls(**{**kept, "mean": tuple(value["mean"]), "std": tuple(value["std"])})

    def save(self, directory: Path) -> None:
        write_json(Path(directory) / "preprocess.json", self.to_json())
