"""Images: the plain view is timm's, views are functions of their seed, settings survive files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from timm.data import create_transform

from headstart.networks import ImagePreprocess, load_preprocess

COLOUR = ImagePreprocess(size=24, crop_pct=0.875)
GREY = ImagePreprocess(16, 1.0, "bilinear", mean=(0.5,), std=(0.25,), channels=1, flip=False)
SQUASH = replace(COLOUR, crop_mode="squash")


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("shape", [(40, 30), (30, 41), (24, 24), (7, 5), (200, 9)])
@pytest.mark.parametrize("crop_pct", [0.875, 0.9, 1.0])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_the_plain_view_is_timms_evaluation_transform(
    shape: tuple[int, int], crop_pct: float, interpolation: str
) -> None:
    preprocess = ImagePreprocess(size=24, crop_pct=crop_pct, interpolation=interpolation)
    theirs = create_transform(
        (3, 24, 24), mean=preprocess.mean, std=preprocess.std, crop_pct=crop_pct, interpolation=interpolation
    )
    image = picture(*shape)
    torch.testing.assert_close(preprocess([image])[0], theirs(image), rtol=0, atol=1e-6)


def test_squash_resizes_both_sides() -> None:
    preprocess = replace(COLOUR, crop_mode="squash", crop_pct=1.0)
    theirs = create_transform((3, 24, 24), crop_pct=1.0, crop_mode="squash", interpolation="bicubic")
    image = picture(60, 20)
    torch.testing.assert_close(preprocess([image])[0], theirs(image), rtol=0, atol=1e-6)


@pytest.mark.parametrize("preprocess", [COLOUR, GREY], ids=["colour", "grey"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK", "1"])
def test_every_mode_becomes_the_networks_channels(preprocess: ImagePreprocess, mode: str) -> None:
    batch = preprocess([picture(20, 30, mode), picture(9, 9, mode)])
    assert batch.shape == (2, preprocess.channels, preprocess.size, preprocess.size)
    assert batch.dtype == torch.float32


@pytest.mark.parametrize("preprocess", [COLOUR, GREY], ids=["colour", "grey"])
def test_a_view_is_a_function_of_image_and_seed(preprocess: ImagePreprocess) -> None:
    image, other = picture(33, 40), picture(40, 33)
    assert preprocess.augments
    alone = preprocess([image], [7])
    among = preprocess([other, image, other], [1, 7, 2])
    assert torch.equal(alone[0], among[1])
    assert not torch.equal(alone, preprocess([image], [8]))
    assert not torch.equal(alone, preprocess([image]))


def test_mirror_images_only_where_they_are_the_same_kind_of_thing() -> None:
    ramp = Image.fromarray(np.tile(np.arange(0, 240, 10, dtype=np.uint8), (24, 1)))

    def falls(preprocess: ImagePreprocess) -> list[bool]:
        views = preprocess([ramp] * 40, list(range(40))).mean(dim=(1, 2))
        return [bool(view[0] > view[-1]) for view in views]

    assert {*falls(COLOUR)} == {True, False}
    assert not any(falls(replace(COLOUR, flip=False)))
    assert not any(falls(replace(GREY, size=24)))


def test_a_shaken_character_stays_whole_and_its_ground_is_not_cut() -> None:
    pixels = np.full((28, 28), 200, dtype=np.uint8)
    pixels[10:18, 10:18] = 0
    views = replace(GREY, size=28, mean=(0.0,), std=(1.0,))([Image.fromarray(pixels)] * 50, list(range(50)))
    ink = (200 / 255 - views).clamp(min=0).sum(dim=(1, 2, 3)) / (64 * 200 / 255)
    assert ink.min() > 0.7
    assert ink.max() < 1.3
    assert torch.allclose(views[:, 0, 0, 0], torch.tensor(200 / 255))


@pytest.mark.parametrize("preprocess", [COLOUR, GREY, SQUASH], ids=["colour", "grey", "squash"])
def test_it_survives_save_and_load(preprocess: ImagePreprocess, tmp_path: Path) -> None:
    preprocess.save(tmp_path)
    loaded = load_preprocess(tmp_path)
    assert loaded == preprocess
    assert loaded.to_json() == preprocess.to_json()
    image = picture(31, 25)
    assert torch.equal(loaded([image]), preprocess([image]))
    assert torch.equal(loaded([image], [3]), preprocess([image], [3]))


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="mean"):
        ImagePreprocess(size=8, channels=1)
    with pytest.raises(ValueError, match="interpolation"):
        ImagePreprocess(size=8, interpolation="cubic")
