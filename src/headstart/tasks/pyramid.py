"""The maps of a network's stages as a pyramid: one map per stride, for heads that answer in space."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.errors import UserError

COARSEST = 32


class Level(NamedTuple):
    """A map of a pyramid: the stage that gives it, its channels, and how many pixels one of its places spans."""

    stage: str
    channels: int
    stride: int
    prefix: int | None = None
    """Of tokens, how many come before those of patches; None for a map."""


STRIDES_OF_TOKENS = (8, 16, 32)


def stages_of(levels: list[Level]) -> tuple[str, ...]:
    """Return the stages that levels are read from, each once."""
    return tuple(dict.fromkeys(level.stage for level in levels))


def spread(levels: list[Level], maps: dict[str, Tensor]) -> list[Tensor]:
    """Return the map of each level; from the tokens of a transformer, which has one size, by resampling them.

    References
    ----------
    Li et al., "Exploring Plain Vision Transformer Backbones for Object Detection", ECCV 2022, section 3 (a simple
    feature pyramid from the last map alone; here resampled without weights, since the head's own convolutions follow).
    """
    return [maps[one.stage] if one.prefix is None else _from_tokens(maps[one.stage], one) for one in levels]


def _from_tokens(tokens: Tensor, level: Level) -> Tensor:
    patches = tokens[:, level.prefix :].transpose(1, 2)
    side = math.isqrt(patches.shape[-1])
    grid = patches.unflatten(2, (side, side))
    wanted = round(side * PATCH / level.stride)
    if wanted == side:
        return grid
    if wanted < side:
        return F.avg_pool2d(grid, side // wanted)
    return F.interpolate(grid, size=(wanted, wanted), mode="bilinear", align_corners=False)


PATCH = 16
"""Pixels of a patch's side, of transformers whose maps are resampled."""


def find_levels(network: Any, finest: int = 2) -> list[Level]:
    """Return the last stage of every stride from ``finest`` to 32, the finest first.

    Raises
    ------
    UserError
        If the network's stages give no maps in space, or fewer than two of these strides.
    """
    size, channels = network.preprocess.size, network.preprocess.channels
    place = next(network.parameters())
    modes = {module: module.training for module in network.modules()}
    network.eval()
    entry, network.entry = network.entry, 0
    try:
        with torch.no_grad():
            x = torch.zeros(1, channels, size, size, device=place.device)
            maps = network.feature_maps(x, network.stage_names)
    except (AssertionError, RuntimeError, ValueError) as error:  # what libraries raise for a size that they do not take
        said = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise UserError(
            f"This network does not take pictures of {size} pixels ({said}); take a convolutional network (resnet, "
            "mobilenet, efficientnet, convnext ...) or another --size."
        ) from None
    finally:
        network.entry = entry
        for module, mode in modes.items():
            module.training = mode
    found: dict[int, Level] = {}
    for name, state in maps.items():
        if state.ndim == 4 and state.shape[-1] > 1:
            stride = round(size / state.shape[-1])
            if finest <= stride <= COARSEST:
                found[stride] = Level(name, state.shape[1], stride)
    found = found or _tokens(maps, size)
    if len(found) < 2:
        raise UserError(
            f"This network's stages give maps of {len(found)} sizes at {size} pixels, and masks or boxes need at least "
            "two; take a convolutional network (resnet, mobilenet, efficientnet, convnext ...) or a larger --size."
        )
    return [found[stride] for stride in sorted(found)]


def _tokens(maps: dict[str, Tensor], size: int) -> dict[int, Level]:
    """Return three levels from the last stage's tokens, where these are of patches of 16 pixels."""
    name, state = list(maps.items())[-1]
    side = size // PATCH
    prefix = state.shape[1] - side * side if state.ndim == 3 else -1
    if not 0 <= prefix <= 8 or side % 2:
        return {}
    return {stride: Level(name, state.shape[2], stride, prefix) for stride in STRIDES_OF_TOKENS}


def block(n_in: int, n_out: int) -> nn.Sequential:
    """Return a convolution with group norm, which does not depend on how many samples a batch has."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.GroupNorm(groups_of(n_out), n_out), nn.ReLU(inplace=True)
    )


def groups_of(channels: int) -> int:
    return next(count for count in (8, 4, 2, 1) if channels % count == 0)


def enlarged(x: Tensor, like: Tensor) -> Tensor:
    """Return a map at another map's size, between its places linearly."""
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
