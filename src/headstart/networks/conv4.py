"""Conv-4: the network of four convolutions that few-shot learning is measured with, for small grey pictures."""

from __future__ import annotations

from typing import Any

from torch import nn

from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.network import Network
from headstart.networks.preprocess import Preprocess

SIDE, WIDTH, BLOCKS = 28, 64, 4
NORMS = ("batch", "group")
GROUPS = 8


def conv4_spec(norm: str = "batch") -> dict[str, Any]:
    """Return the spec of ``headstart/conv4``; ``norm`` is "batch", as published, or "group"."""
    return {"family": "conv4", "norm": norm, "width": WIDTH}


def build_conv4(spec: dict[str, Any], preprocess: Preprocess | None = None) -> Network:
    """Build four blocks of convolution 3 x 3, normalisation, ReLU and a maximum over 2 x 2 pixels, with random weights.

    Stages ``block1`` to ``block4``; pictures of 28 x 28 pixels become 64 features of 1 x 1. Strokes are light on dark
    for the network, -1 to 1, as they are in the picture.

    References
    ----------
    Vinyals et al., "Matching Networks for One Shot Learning", NeurIPS 2016, section 4.1.1.
    """
    seen = preprocess or (ImagePreprocess.from_json(spec["preprocess"]) if "preprocess" in spec else _preprocess())
    width, channels = spec["width"], getattr(seen, "channels", 1)
    stages = {f"block{i + 1}": _block(width if i else channels, width, spec["norm"]) for i in range(BLOCKS)}
    side = getattr(seen, "size", SIDE) // 2**BLOCKS
    return Network(stages, nn.Flatten(), width * side**2, seen, spec)


def _block(n_in: int, n_out: int, norm: str) -> nn.Module:
    normal = nn.BatchNorm2d(n_out) if norm == "batch" else nn.GroupNorm(GROUPS, n_out)
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, 1, 1), normal, nn.ReLU(), nn.MaxPool2d(2))


def _preprocess() -> ImagePreprocess:
    return ImagePreprocess(
        size=SIDE, crop_pct=1.0, interpolation="bilinear", mean=(0.5,), std=(0.5,), channels=1, flip=False
    )
