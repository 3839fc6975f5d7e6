"""From any image file to eight-bit RGB, with a defined outcome for every odd kind.

See `docs/data.md` for the table of outcomes.
"""

from __future__ import annotations

import contextlib
import io
import math
import threading

import numpy as np
from PIL import Image

# what Pillow reads on every machine
_PHOTOS = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif"}
ENDINGS = frozenset(_PHOTOS | {".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"})
SMALLEST_SIDE = 8
LARGEST_RATIO = 8.0
WORKING_SIDE = 1024
"""Pixels that the shorter side of a large picture keeps at least; networks see 32 to 512."""
MOST_PIXELS = 100_000_000
"""Pixels of a picture as it is decoded; JPEG is decoded at reduced size, so that more may be stored."""
_LARGE = 8_000_000
_ONE_LARGE = threading.Lock()
_ROWS = 256
_ORIENTATION = 0x0112
_ALPHA = {"RGBA", "LA", "PA", "La", "RGBa"}
_AVERAGES = {"RGB", "L", "CMYK", "YCbCr"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = [_TURNS[number] for number in (5, 6, 7, 8)]


def decode_image(content: bytes | np.ndarray | Image.Image) -> tuple[Image.Image, list[str]]:
    """Return the picture as RGB, and what was odd about it.

    Parameters
    ----------
    content : a file's bytes; an array [h, w] or [h, w, c] of uint8, uint16 or floats in 0..1; or a PIL image.

    Raises
    ------
    Exception
        Whatever Pillow raises on a damaged file; an empty one raises ValueError.
    """
    if isinstance(content, np.ndarray):
        picture = Image.fromarray(_eight_bit(content))
        return flatten(picture), _odd_shape(picture.size)
    if isinstance(content, bytes):
        if not content:
            raise ValueError("the file is empty (0 bytes)")
        with _opened(content) as picture:
            return _decode(picture)
    return _decode(content)


def _opened(content: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content))
    except Image.DecompressionBombError:
        raise ValueError(f"it has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels, the most of any") from None


def _decode(picture: Image.Image) -> tuple[Image.Image, list[str]]:
    width, height = picture.size
    if picture.format in ("JPEG", "MPO"):
        scale = WORKING_SIDE / max(min(width, height), 1)
        picture.draft(None, (math.ceil(width * scale), math.ceil(height * scale)))
    pixels = picture.width * picture.height
    if pixels > MOST_PIXELS:
        raise ValueError(f"it has {width:,} x {height:,} pixels, and at most {MOST_PIXELS:,} are read")
    with _ONE_LARGE if pixels > _LARGE else contextlib.nullcontext():
        odd = _odd_kinds(picture)  # of a PNG file, Pillow decodes all to find what lies after the pixels
        turn = _TURNS.get(orientation(picture)) if "EXIF-rotated" in odd else None
        picture.load()
        flat = flatten(picture)
    size = (height, width) if turn in _SIDEWAYS else (width, height)
    return flat if turn is None else flat.transpose(turn), odd + _odd_shape(size)


def _odd_kinds(picture: Image.Image) -> list[str]:
    # before load(): decoding may change the mode and forgets the tiles
    kinds = {
        "CMYK": picture.mode == "CMYK",
        "16-bit": picture.mode.startswith("I;16") or _stored_as_16_bit(picture),
        "32-bit": picture.mode in ("I", "F"),
        "palette": picture.mode in ("P", "PA"),
        "RGBA": picture.mode in _ALPHA or "transparency" in picture.info,
        "animated": picture.format != "MPO" and getattr(picture, "is_animated", False),
        "EXIF-rotated": orientation(picture) in range(2, 9),
    }
    return [kind for kind, is_so in kinds.items() if is_so]


def _stored_as_16_bit(picture: Image.Image) -> bool:
    return any(";16" in str(tile[3]) for tile in getattr(picture, "tile", []))


def orientation(picture: Image.Image) -> int:
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # a malformed EXIF block raises anything; the picture itself may be whole
        return 1


def _odd_shape(size: tuple[int, int]) -> list[str]:
    short, long = sorted(size)
    odd = [f"very small ({size[0]} x {size[1]})"] if short < SMALLEST_SIDE else []
    if long / max(short, 1) > LARGEST_RATIO:
        odd.append(f"extreme shape ({size[0]} x {size[1]})")
    return odd


def flatten(picture: Image.Image) -> Image.Image:
    """Return the first frame as RGB: transparency over white, 16 bits scaled to 8, CMYK and palettes converted.

    A picture whose shorter side is at least twice `WORKING_SIDE` is averaged down by a whole number first.
    """
    if picture.mode.startswith("I") or picture.mode == "F":
        return _shrunk(Image.fromarray(_scale_deep(np.asarray(picture)))).convert("RGB")
    if picture.mode in _ALPHA or "transparency" in picture.info:
        layer = _shrunk(picture.convert("RGBA"))
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return _shrunk(picture if picture.mode in _AVERAGES else picture.convert("RGB")).convert("RGB")


def _shrunk(picture: Image.Image) -> Image.Image:
    factor = min(picture.size) // WORKING_SIDE
    return picture.reduce(factor) if factor > 1 else picture


def _scale_deep(values: np.ndarray) -> np.ndarray:
    """Bring integers of 16 bits (0..65535) or anything deeper (its own range) to 0..255."""
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("it holds NaN or infinity")
    if low >= 0 and high <= 65535 and values.dtype.kind in "iu":
        low, high = 0.0, 65535.0
    elif low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    scaled = np.empty(values.shape, np.uint8)
    for row in range(0, len(values), _ROWS):  # in strips: a deep picture takes eight times its memory here
        strip = values[row : row + _ROWS].astype(np.float64)
        scaled[row : row + _ROWS] = np.rint((strip - low) / max(high - low, 1e-12) * 255)
    return scaled


def _eight_bit(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "fb":
        array = np.rint(array * 255)
    elif array.dtype == np.uint16:
        array = np.rint(array / 257)
    array = array.astype(np.uint8)
    return array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
