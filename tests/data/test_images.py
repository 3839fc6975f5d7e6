"""Every odd kind of image has one defined outcome in eight-bit RGB."""

import io

import numpy as np
import pytest
from PIL import Image

from headstart.data.images import decode_image


def stored(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(content) -> np.ndarray:
    image, _ = decode_image(content)
    assert image.mode == "RGB"
    return np.asarray(image)


def odd(content) -> list[str]:
    return decode_image(content)[1]


def test_plain_rgb_and_grey_are_not_odd(draw):
    image = draw(1)
    np.testing.assert_array_equal(pixels(stored(image)), np.asarray(image))
    assert odd(stored(image)) == []
    grey = image.convert("L")
    np.testing.assert_array_equal(pixels(stored(grey)), np.asarray(grey.convert("RGB")))
    assert odd(stored(grey)) == []


def test_sixteen_bits_are_scaled_by_their_full_range():
    deep = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    content = stored(Image.fromarray(deep))
    np.testing.assert_array_equal(pixels(content)[..., 0], np.arange(256).reshape(16, 16))
    assert odd(content) == ["16-bit"]


def test_floats_outside_0_to_1_are_scaled_by_their_own_range():
    values = np.linspace(-5, 20, 256, dtype=np.float32).reshape(16, 16)
    content = stored(Image.fromarray(values), "TIFF")
    assert pixels(content).min() == 0
    assert pixels(content).max() == 255
    assert odd(content) == ["32-bit"]


def test_transparency_lies_over_white():
    image = Image.new("RGBA", (16, 16), (200, 0, 0, 0))
    image.paste((0, 0, 100, 255), (0, 0, 8, 16))
    found = pixels(stored(image))
    assert (found[:, :8] == (0, 0, 100)).all()
    assert (found[:, 8:] == 255).all()
    assert odd(stored(image)) == ["RGBA"]


def test_a_half_transparent_pixel_is_mixed_with_white():
    found = pixels(stored(Image.new("RGBA", (16, 16), (0, 0, 0, 128))))
    assert (np.abs(found.astype(int) - 127) <= 1).all()


def test_a_palette_becomes_its_colours_and_its_transparent_entry_white(draw):
    flat = Image.new("P", (16, 16), 1)
    flat.putpalette([9, 9, 9, 10, 20, 30])
    flat.putpixel((0, 0), 0)
    assert (pixels(stored(flat))[5, 5] == (10, 20, 30)).all()
    assert odd(stored(flat)) == ["palette"]
    found = pixels(stored(flat, transparency=0))
    assert (found[0, 0] == 255).all()
    assert (found[5, 5] == (10, 20, 30)).all()
    assert odd(stored(flat, transparency=0)) == ["palette", "RGBA"]


def test_cmyk_becomes_rgb():
    content = stored(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100)
    red = pixels(content)[8, 8].astype(int)
    assert red[0] > 240
    assert red[1:].max() < 15
    assert odd(content) == ["CMYK"]


def test_the_first_frame_of_an_animation_counts(draw):
    first, second = Image.new("RGB", (16, 16), (250, 0, 0)), Image.new("RGB", (16, 16), (0, 250, 0))
    content = stored(first, "GIF", save_all=True, append_images=[second])
    assert (pixels(content)[8, 8] == (250, 0, 0)).all()
    assert "animated" in odd(content)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    upright = Image.new("RGB", (20, 12), (0, 0, 255))
    upright.paste((255, 0, 0), (0, 0, 10, 6))  # red in the upper left corner
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # PIL.Image.Transpose that undoes each orientation
    turned = upright.transpose(Image.Transpose(back[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = stored(turned, exif=exif)
    np.testing.assert_array_equal(pixels(content), np.asarray(upright))
    assert odd(content) == (["EXIF-rotated"] if orientation > 1 else [])


def test_very_small_and_very_long_pictures_are_odd_but_kept(draw):
    assert odd(stored(draw(1, (5, 20)))) == ["very small (5 x 20)"]
    assert odd(stored(draw(1, (200, 10)))) == ["extreme shape (200 x 10)"]


def test_arrays_of_every_type_give_the_same_picture():
    array = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    for same in (array, array / 255.0, array.astype(np.uint16) * 257, array.astype(np.int64)):
        np.testing.assert_array_equal(pixels(same), array)
    np.testing.assert_array_equal(pixels(array[..., :1]), np.repeat(array[..., :1], 3, axis=2))


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n and then nothing"])
def test_what_is_no_image_raises(content):
    with pytest.raises(Exception):  # noqa: B017 - Pillow raises several kinds
        decode_image(content)


def test_a_truncated_file_raises(draw):
    content = stored(draw(1, (64, 64)), "JPEG")
    with pytest.raises(OSError):
        decode_image(content[: len(content) // 2])
