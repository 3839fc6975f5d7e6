"""Pillow's resize inside a graph."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from headstart.networks.image_preprocess import ImagePreprocess
from headstart.report.resample import resized_crop


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("crop_mode", ["center", "squash"])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (31, 47), (96, 41), (41, 96), (48, 48)])
def test_equals_pillow_bit_for_bit(interpolation: str, crop_mode: str, height: int, width: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    preprocess = ImagePreprocess(28, 0.9, interpolation, crop_mode=crop_mode)  # type: ignore[arg-type]
    want = np.asarray(preprocess.plain(Image.fromarray(pixels)))
    short = math.floor(28 / 0.9 + 1e-6)
    got = resized_crop(torch.from_numpy(pixels)[None], 28, short, interpolation, crop_mode == "squash")
    assert np.array_equal(got[0].numpy(), want)
