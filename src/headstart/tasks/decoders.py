"""From a pyramid of maps to a map of classes: two decoders, both light enough for a CPU."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.tasks.pyramid import Level, block, enlarged, spread, stages_of


class UNet(nn.Module):
    """Upwards through the pyramid: enlarge, put the finer map beside, two convolutions; logits [n, k, size, size].

    The widths are a quarter of the maps' channels, from 16 to 128. It keeps thin structures, since the finest map of
    the network (stride 2) is among what it reads.

    References
    ----------
    Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015.
    """

    by_class: ClassVar[dict[str, tuple[int, int]]] = {"exit": (1, 0)}

    def __init__(self, levels: list[Level], n_outputs: int, size: int) -> None:
        super().__init__()
        self.levels, self.reads = levels, stages_of(levels)
        self.sides: tuple[int, ...] = (size,)
        widths = [max(16, min(128, level.channels // 4)) for level in levels]
        self.entry = nn.Conv2d(levels[-1].channels, widths[-1], 1)
        self.steps = nn.ModuleList(
            nn.Sequential(block(coarse + level.channels, width), block(width, width))
            for level, width, coarse in zip(levels[-2::-1], widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.exit = nn.Conv2d(widths[0], n_outputs, 1)

    def forward(self, maps: dict[str, Tensor]) -> Tensor:
        *finer, coarsest = found = spread(self.levels, maps)
        x = self.entry(coarsest)
        for step, fine in zip(self.steps, reversed(finer), strict=True):
            x = step(torch.cat([enlarged(x, fine), fine], dim=1))
        side = side_of(self.levels[0], found[0], self.sides)
        return F.interpolate(self.exit(x), size=(side, side), mode="bilinear", align_corners=False)


class FPN(nn.Module):
    """Every map to 64 channels, summed at a quarter of the size; logits [n, k, size, size]. Half the work of `UNet`.

    References
    ----------
    Kirillov et al., "Panoptic Feature Pyramid Networks", CVPR 2019, section 3.
    """

    by_class: ClassVar[dict[str, tuple[int, int]]] = {"exit": (1, 0)}

    def __init__(self, levels: list[Level], n_outputs: int, size: int) -> None:
        super().__init__()
        used = [level for level in levels if level.stride >= 4] or levels
        self.levels, self.reads = used, stages_of(used)
        self.sides: tuple[int, ...] = (size,)
        self.lateral = nn.ModuleList(nn.Conv2d(level.channels, 64, 1) for level in used)
        self.mix = block(64, 64)
        self.exit = nn.Conv2d(64, n_outputs, 1)

    def forward(self, maps: dict[str, Tensor]) -> Tensor:
        found = spread(self.levels, maps)
        finest, *coarser = (side(one) for side, one in zip(self.lateral, found, strict=True))
        x = finest
        for other in coarser:
            x = x + enlarged(other, finest)
        side = side_of(self.levels[0], found[0], self.sides)
        return F.interpolate(self.exit(self.mix(x)), size=(side, side), mode="bilinear", align_corners=False)


def side_of(level: Level, found: Tensor, sides: tuple[int, ...]) -> int:
    """Return the side of what a map is of: a canvas or a tile of one where it is about that, since borders may be cut
    off, else by its stride."""
    about = found.shape[-1] * level.stride
    nearest = min(sides, key=lambda side: abs(side - about))
    return nearest if abs(nearest - about) <= nearest / 8 else about


DECODERS: dict[str, type[UNet] | type[FPN]] = {"unet": UNet, "fpn": FPN}
