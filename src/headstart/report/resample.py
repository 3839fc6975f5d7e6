"""Pillow's resize and centre crop as tensor operations, bit for bit, so that they can lie inside an exported graph.

Only for "nearest" may positions that fall exactly between two pixels take the other one.
"""

from __future__ import annotations

import math

import PIL
import torch
from torch import Tensor

SUPPORT = {"bilinear": 1.0, "bicubic": 2.0, "lanczos": 3.0}
PRECISION = 2.0**22  # Pillow's fixed point for 8-bit channels
VERTICAL_FIRST = int(PIL.__version__.split(".")[0]) >= 13  # tall images, see python-pillow/Pillow#9549


def resized_crop(x: Tensor, size: int, short: int, interpolation: str, squash: bool) -> Tensor:
    """Resize uint8 images [n, h, w, c] and cut the centre out; return float64 [n, size, size, c] of whole numbers.

    The shorter side becomes ``short`` (both sides, if ``squash``). Sizes are taken from tensors, never from Python
    numbers, so that the exported graph takes images of any size.
    """
    height, width = _ones(x[0, :, 0, 0]), _ones(x[0, 0, :, 0])
    # Kept one-dimensional: the exporter would make single numbers float32.
    h, w = height.sum(0, keepdim=True), width.sum(0, keepdim=True)
    side = torch.minimum(h, w)
    new_h, new_w = (
        (h * 0 + short, w * 0 + short) if squash else (torch.floor(short * h / side), torch.floor(short * w / side))
    )
    columns = weights(width, w, new_w, size, interpolation)
    rows = weights(height, h, new_h, size, interpolation)
    x = x.to(torch.float64).permute(0, 3, 1, 2)
    resized = whole(rows @ whole(x @ columns.T))
    if VERTICAL_FIRST:
        resized = torch.where(_tall(h, w, new_h, new_w), whole(whole(rows @ x) @ columns.T), resized)
    return resized.permute(0, 2, 3, 1)


def fitted(x: Tensor, size: int, interpolation: str, fill: Tensor) -> Tensor:
    """Resize uint8 images [n, h, w, c] so that the longer side is ``size``, in the upper left corner of a square of the
    colour ``fill`` [c]; return float64 [n, size, size, c] of whole numbers.
    """
    height, width = _ones(x[0, :, 0, 0]), _ones(x[0, 0, :, 0])
    h, w = height.sum(0, keepdim=True), width.sum(0, keepdim=True)
    scale = size / torch.maximum(h, w)
    new_h, new_w = (torch.round(side * scale).clamp(min=1.0) for side in (h, w))
    corner = torch.zeros_like(h)
    columns = weights(width, w, new_w, size, interpolation, corner)
    rows = weights(height, h, new_h, size, interpolation, corner)
    x = x.to(torch.float64).permute(0, 3, 1, 2)
    resized = whole(rows @ whole(x @ columns.T))
    if VERTICAL_FIRST:
        resized = torch.where(_tall(h, w, new_h, new_w), whole(whole(rows @ x) @ columns.T), resized)
    place = torch.arange(size, dtype=torch.float64, device=x.device)
    inside = (place < new_h)[:, None] & (place < new_w)[None, :]
    return torch.where(inside[None, None], resized, fill.view(1, -1, 1, 1)).permute(0, 2, 3, 1)


def _tall(h: Tensor, w: Tensor, new_h: Tensor, new_w: Tensor) -> Tensor:
    """Return whether Pillow resizes vertically first, which matters because it rounds between the passes."""
    return (h > new_h) & (h - new_h > 2.0 * (w - new_w))


def _ones(line: Tensor) -> Tensor:
    return torch.ones_like(line, dtype=torch.float64)


def whole(x: Tensor) -> Tensor:
    """Round half up and clip to 0..255, as Pillow does after each of the two passes."""
    return torch.floor(x + 0.5).clamp(0.0, 255.0)


def weights(
    ones: Tensor, before: Tensor, after: Tensor, size: int, interpolation: str, first: Tensor | None = None
) -> Tensor:
    """Return Pillow's resampling weights [size, before] of ``size`` of the ``after`` outputs.

    By default they are the central ones, else those from ``first`` on.
    """
    scale = before / after
    if first is None:
        first = torch.round((after - size) / 2.0)  # half to even, as Python rounds
    centre = ((torch.arange(size, dtype=torch.float64, device=ones.device) + first + 0.5) * scale)[:, None]
    place = (torch.cumsum(ones, 0) - 1.0)[None, :]
    if interpolation == "nearest":
        return (place == torch.floor(centre)).to(torch.float64)
    stretch = torch.clamp(scale, min=1.0)
    reach = SUPPORT[interpolation] * stretch
    low = torch.clamp(torch.floor(centre - reach + 0.5), min=0.0)
    high = torch.minimum(torch.floor(centre + reach + 0.5), before)
    value = kernel((place - centre + 0.5) / stretch, interpolation)
    value = torch.where((place >= low) & (place < high), value, torch.zeros_like(value))
    value = value * (1.0 / value.sum(dim=1, keepdim=True))
    return torch.sign(value) * torch.floor(value.abs() * PRECISION + 0.5) / PRECISION


def kernel(x: Tensor, interpolation: str) -> Tensor:
    """Return Pillow's triangle, cubic (a = -1/2) or three-lobed Lanczos kernel at ``x``."""
    x = x.abs()
    zero = torch.zeros_like(x)
    if interpolation == "bilinear":
        return torch.where(x < 1.0, 1.0 - x, zero)
    if interpolation == "bicubic":
        a = -0.5
        near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
        far = (((x - 5.0) * x + 8.0) * x - 4.0) * a
        return torch.where(x < 1.0, near, torch.where(x < 2.0, far, zero))
    return torch.where(x < 3.0, _sinc(x) * _sinc(x / 3.0), zero)


def _sinc(x: Tensor) -> Tensor:
    angle = torch.where(x == 0.0, torch.ones_like(x), x) * math.pi
    return torch.where(x == 0.0, torch.ones_like(x), torch.sin(angle) / angle)
