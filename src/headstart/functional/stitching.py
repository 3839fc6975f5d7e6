"""Large maps by tiles that overlap, put together without seams."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def starts(side: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles begin that cover a side, neighbours overlapping by ``overlap`` at least, evenly spaced.

    Examples
    --------
    >>> starts(1000, 400, 100), starts(300, 400, 100)
    ([0, 300, 600], [0])
    """
    if side <= tile:
        return [0]
    count = -(-(side - overlap) // (tile - overlap))
    return [round(place * (side - tile) / (count - 1)) for place in range(count)]


def stitched(function: Callable[[Tensor], Tensor], x: Tensor, tile: int, overlap: int) -> Tensor:
    """Return ``function`` of x [n, c, h, w], computed by tiles: a mean weighted so that at each pixel weights sum to 1.

    A tile's weight falls linearly to its borders, ``w = min(1, d / overlap)`` per side, d the distance from the border
    in pixels, so that no border of a tile is seen. What works on every pixel alone comes out the same.

    Parameters
    ----------
    function : [n, c, t, t] to [n, k, t, t] for sides up to ``tile``. overlap : pixels, below ``tile``.
    """
    height, width = x.shape[-2:]
    total, weights = None, x.new_zeros((height, width))
    for top in starts(height, tile, overlap):
        for left in starts(width, tile, overlap):
            rows, columns = slice(top, top + tile), slice(left, left + tile)
            found = function(x[..., rows, columns])
            weight = torch.outer(_ramp(found.shape[-2], overlap), _ramp(found.shape[-1], overlap)).to(found)
            if total is None:
                total = found.new_zeros((*found.shape[:-2], height, width))
            total[..., rows, columns] += found * weight
            weights[rows, columns] += weight
    assert total is not None
    return total / weights


def _ramp(side: int, overlap: int) -> Tensor:
    place = torch.arange(side, dtype=torch.float32) + 0.5
    return (torch.minimum(place, side - place) / max(overlap, 1)).clamp(max=1)
