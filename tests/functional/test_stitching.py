"""Tiles put together: weights sum to one, pixelwise functions come out exactly, and no border of a tile is seen."""

from itertools import pairwise

import pytest
import torch

from headstart.functional.stitching import starts, stitched


@pytest.mark.parametrize(
    ("side", "tile", "overlap"), [(64, 64, 16), (65, 64, 16), (200, 64, 16), (40, 64, 0), (128, 64, 0)]
)
def test_tiles_cover_every_pixel_and_overlap(side, tile, overlap):
    found = starts(side, tile, overlap)
    assert found[0] == 0
    assert found[-1] + tile >= side
    assert found[-1] == max(0, side - tile)
    assert all(after - before <= tile - overlap for before, after in pairwise(found))


@pytest.mark.parametrize(("height", "width"), [(70, 50), (32, 32), (20, 33)])
def test_constant_linear_and_pixelwise_functions_come_out_exactly(height, width):
    x = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    for function in (torch.ones_like, lambda x: 3 * x + 1, torch.tanh):
        torch.testing.assert_close(stitched(function, x, 32, 8), function(x))


def test_no_tile_is_larger_than_asked_and_no_seam_is_seen():
    count = 0

    def numbered(x):
        nonlocal count
        assert max(x.shape[-2:]) <= 32
        count += 1
        return torch.full_like(x[:, :1], float(count % 2))

    found = stitched(numbered, torch.zeros(1, 3, 32, 80), 32, 8)[0, 0]
    assert count == 3
    assert found.diff(dim=1).abs().max() <= 1 / 8 + 1e-6  # without weights the step would be 1
    assert found.diff(dim=0).abs().max() == 0
