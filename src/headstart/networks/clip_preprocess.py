"""Sheets of frames (`headstart.data.clips`) as the frames that they hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from torch import Tensor

from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.preprocess import Preprocess
from headstart.storage import write_json


@dataclass(frozen=True)
class ClipPreprocess(Preprocess):
    """Turns n sheets into [n, frames, channels, size, size]; one augmented view is the same for all frames of a clip.

    Views are not mirrored: what moves to the left would move to the right.

    Parameters
    ----------
    picture : preprocessing of one frame. frames, across : on a sheet, and how many beside one another.
    """

    picture: ImagePreprocess
    frames: int
    across: int

    modality = "image"  # type: ignore[assignment]

    @property
    def size(self) -> int:
        return self.picture.size

    @property
    def channels(self) -> Literal[1, 3]:
        return self.picture.channels

    @property
    def mean(self) -> tuple[float, ...]:
        return self.picture.mean

    @property
    def std(self) -> tuple[float, ...]:
        return self.picture.std

    def __call__(self, raws: list[Any], seeds: list[int | None] | None = None) -> Tensor:
        given = [None] * len(raws) if seeds is None else seeds
        frames = [frame for raw in raws for frame in self.split(raw)]
        each = [seed for seed in given for _ in range(self.frames)]
        return self.picture(frames, None if seeds is None else each).unflatten(0, (len(raws), self.frames))

    def split(self, sheet: Image.Image) -> list[Image.Image]:
        """Return the frames of a sheet in their order."""
        down = self.frames // self.across
        width, height = sheet.width // self.across, sheet.height // down
        corners = [(x * width, y * height) for y in range(down) for x in range(self.across)]
        return [sheet.crop((left, top, left + width, top + height)) for left, top in corners]

    @property
    def augments(self) -> bool:
        return self.picture.augments

    def to_json(self) -> dict[str, Any]:
        return self.picture.to_json() | {"frames": self.frames, "across": self.across}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ClipPreprocess:
        rest = {name: item for name, item in value.items() if name not in ("frames", "across")}
        return cls(ImagePreprocess.from_json(rest), value["frames"], value["across"])

    def save(self, directory: Path) -> None:
        write_json(Path(directory) / "preprocess.json", self.to_json())
