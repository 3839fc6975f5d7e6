"""Augmented views of one image, from a random generator alone."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageEnhance

Random = np.random.Generator


def jittered_crop(
    image: Image.Image, size: int, interpolation: Image.Resampling, flip: bool, random: Random
) -> Image.Image:
    """Return a random resized crop of 35 to 100% of the area, mirrored at random if ``flip``, colours changed by
    up to a fifth.

    References
    ----------
    Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, section 6 (random resized crop).
    """
    view = image.resize((size, size), interpolation, box=_random_box(image.size, random))
    if flip and random.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        view = enhance(view).enhance(float(random.uniform(0.8, 1.2)))
    return view


def _random_box(shape: tuple[int, int], random: Random) -> tuple[float, float, float, float]:
    width, height = shape
    area = width * height * random.uniform(0.35, 1.0)
    ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
    w, h = min(width, math.sqrt(area * ratio)), min(height, math.sqrt(area / ratio))
    left, top = random.uniform(0, width - w), random.uniform(0, height - h)
    return left, top, left + w, top + h


def shaken(image: Image.Image, random: Random) -> Image.Image:
    """Return a one-channel image turned by up to 10 degrees, scaled by up to 10% and shifted by up to 8%.

    What comes in from outside has the median brightness of the border.
    """
    angle, scale = math.radians(random.uniform(-10, 10)), random.uniform(0.9, 1.1)
    shift = random.uniform(-0.08, 0.08, 2) * np.asarray(image.size)
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    cx, cy = image.width / 2, image.height / 2
    x0, y0 = cx + shift[0], cy + shift[1]
    matrix = (cos, sin, cx - cos * x0 - sin * y0, -sin, cos, cy + sin * x0 - cos * y0)
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    fill = int(np.median(border))
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=fill)
