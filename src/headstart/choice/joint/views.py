"""Further views of rows: noise on all, and pictures that are turned, sheared, scaled and moved a little."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

SPREAD = 0.12
"""Deviation of angles and shears in radians and of the logarithm of scales; share of half a side that is moved at most.

About 7 degrees, an eighth in size, and 6% of a side. Nothing is mirrored.
"""


def warped(pictures: Tensor, rng: np.random.Generator, spread: float = SPREAD) -> Tensor:
    """Return pictures [n, c, h, w], each under an affine map of its own near the identity; edges fill what they leave.

    With angle a, shear b and scales s, a point (x, y), counted from the middle in half sides, is taken from
    ``(s_1 x + (b - a) y + t_1, a x + s_2 y + t_2)``; a, b and log s are normal, t is uniform. At a spread of 0
    it is the picture.
    """
    n = len(pictures)
    scales, slants = np.exp(spread * rng.normal(size=(n, 2))), spread * rng.normal(size=(n, 2))
    maps = np.empty((n, 2, 3))
    maps[:, 0, 0], maps[:, 1, 1] = scales.T
    maps[:, 0, 1], maps[:, 1, 0] = slants[:, 1] - slants[:, 0], slants[:, 0]
    maps[:, :, 2] = spread * rng.uniform(-1, 1, size=(n, 2))
    places = F.affine_grid(torch.from_numpy(maps).to(pictures), list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, places, padding_mode="border", align_corners=False)
