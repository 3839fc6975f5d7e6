"""The bundled network: letters in printed fonts, for small grey pictures of strokes."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.image_preprocess import ImagePreprocess
from headstart.networks.network import Network

SIZE = 32
WIDTHS = (16, 32, 64, 64, 64)
STRIDES = (2, 2, 2, 1, 1)
GROUPS = 8
GRID = 2
SAME_IN_BOTH_CASES = "cijkopsuvwxyz"


class Residual(nn.Module):
    """Two 3 by 3 convolutions beside a shortcut, ``y = relu(shortcut(x) + f(x))``.

    Group normalisation keeps samples independent of the batch they travel in, so that accumulated and distributed
    training give the gradients of the whole batch.

    Parameters
    ----------
    n_in, n_out : channels; ``n_out`` divisible by 8.
    stride : of the first convolution and of the shortcut.

    References
    ----------
    He et al., "Deep Residual Learning for Image Recognition", CVPR 2016. Wu and He, "Group Normalization", ECCV 2018.
    """

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.norm1 = nn.GroupNorm(GROUPS, n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.norm2 = nn.GroupNorm(GROUPS, n_out)
        same = n_in == n_out and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(n_in, n_out, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, n_in, h, w] to [n, n_out, h / stride, w / stride]."""
        y = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class GridPool(nn.Module):
    """Means over a grid of ``side`` x ``side`` fields: [n, c, h, w] to [n, c * side * side].

    A stroke's place is a part of what a character is, and a mean over the whole picture would lose it.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d(x, self.side).flatten(1)


def glyph_class(letter: str) -> str:
    """Return the class of a letter: small letters and capitals of one shape share one."""
    return letter.lower() if letter.lower() in SAME_IN_BOTH_CASES else letter


def glyphs_classes() -> tuple[str, ...]:
    """Return the 39 classes that ``headstart/glyphs`` was trained to tell apart."""
    return tuple(dict.fromkeys(glyph_class(letter) for letter in string.ascii_letters))


def glyphs_spec() -> dict[str, Any]:
    """Return the spec of ``headstart/glyphs``."""
    return {"family": "glyphs"}


def build_glyphs(spec: dict[str, Any]) -> Network:
    """Build a residual network for grey pictures of 32 x 32 pixels, with random weights from torch's generator.

    Stages ``stem`` (16 channels, 16 x 16), ``block1`` (32, 8 x 8), ``block2`` to ``block4`` (64, 4 x 4), and 256
    features: the means of the last map over its four quarters. No batch norm and no dropout: training and
    evaluation are the same function, sample by sample.

    Parameters
    ----------
    spec : ``{"family": "glyphs"}``, and optionally ``preprocess``, as `ImagePreprocess.to_json` gives it.
    """
    stem = [nn.Conv2d(1, WIDTHS[0], 5, STRIDES[0], 2, bias=False), nn.GroupNorm(GROUPS, WIDTHS[0]), nn.ReLU()]
    stages: dict[str, nn.Module] = {"stem": nn.Sequential(*stem)}
    for i in range(1, len(WIDTHS)):
        stages[f"block{i}"] = Residual(WIDTHS[i - 1], WIDTHS[i], STRIDES[i])
    preprocess = ImagePreprocess.from_json(spec["preprocess"]) if "preprocess" in spec else glyphs_preprocess()
    return Network(stages, GridPool(GRID), WIDTHS[-1] * GRID**2, preprocess, spec)


def glyphs_preprocess() -> ImagePreprocess:
    """Return the preprocessing of ``headstart/glyphs``: one channel, 32 x 32, -1 (black) to 1 (white)."""
    return ImagePreprocess(
        size=SIZE, crop_pct=1.0, interpolation="bilinear", mean=(0.5,), std=(0.5,), channels=1, flip=False
    )


def glyphs_weights() -> Path:
    """Return the file of the bundled weights; ``recipe.json`` beside it tells how they were made.

    ``reference.safetensors`` beside it holds ``features`` [256, 256] of rendered letters, with which the shift
    between the source's inputs and a target's is measured.
    """
    return Path(__file__).parent / "assets" / "glyphs" / "weights.safetensors"
