"""Pictures as tensors: resampling by name, and standardising."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def standardised(views: list[Image.Image], size: int, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Return [n, channels, size, size] of views of that size: ``(x / 255 - mean) / std``."""
    channels = len(mean)
    batch = np.empty((len(views), channels, size, size), dtype=np.float32)
    means, deviations = (np.array(part, dtype=np.float32)[:, None, None] for part in (mean, std))
    # one picture at a time stays in the processor's cache, and by NumPy, whose threads are this one only
    for view, out in zip(views, batch, strict=True):
        pixels = np.asarray(view).reshape(size, size, channels).transpose(2, 0, 1)
        np.divide(pixels, np.float32(255), out=out)
        np.subtract(out, means, out=out)
        np.divide(out, deviations, out=out)
    return torch.from_numpy(batch)
