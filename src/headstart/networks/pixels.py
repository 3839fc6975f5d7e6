"""A network that is no more than the pixels of small pictures, so that they are rows of numbers like any other."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.network import Network
from headstart.networks.preprocess import Preprocess

SIDE = 28


def pixels_spec() -> dict[str, Any]:
    """Return the spec of grey pictures of `SIDE` x `SIDE` pixels, from 0 to 1."""
    seen = ImagePreprocess(
        SIDE,
        crop_pct=1.0,
        interpolation="bilinear",
        mean=(0.0,),
        std=(1.0,),
        channels=1,
        crop_mode="squash",
        flip=False,
    )
    return {"family": "pixels", "preprocess": seen.to_json()}


def build_pixels(spec: dict[str, Any], preprocess: Preprocess | None = None) -> Network:
    """Return the network of one stage, ``pixels``, whose features are a picture's numbers from 0 to 1.

    Channel by channel and line by line, [n, channels * size * size], times a scale that starts at 1.
    """
    seen = preprocess or ImagePreprocess.from_json(spec["preprocess"])
    assert isinstance(seen, ImagePreprocess)
    stage = _Flat(seen.channels * seen.size**2)
    return Network({"pixels": stage}, nn.Identity(), len(stage.scale), seen, spec)


def grid_of(network: Network) -> tuple[int, int, int] | None:
    """Return channels, height and width of features that are pixels; None for those of any other network."""
    seen = network.preprocess
    if network.spec.get("family") != "pixels" or not isinstance(seen, ImagePreprocess):
        return None
    return seen.channels, seen.size, seen.size


class _Flat(nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(n))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) * self.scale
