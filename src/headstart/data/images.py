"""From any image file to eight-bit RGB, with a defined outcome for every odd kind.

See `docs/data.md` for the table of outcomes.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

# what Pillow reads on every machine
_PHOTOS = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif"}
ENDINGS = frozenset(_PHOTOS | {".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"})
SMALLEST_SIDE = 8
LARGEST_RATIO = 8.0
_ORIENTATION = 0x0112
_ALPHA = {"RGBA", "LA", "PA", "La", "RGBa"}


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
        return flatten(picture), _odd_shape(picture)
    if isinstance(content, bytes):
        if not content:
            raise ValueError("the file is empty (0 bytes)")
        with Image.open(io.BytesIO(content)) as picture:
            return _decode(picture)
    return _decode(content)


def _decode(picture: Image.Image) -> tuple[Image.Image, list[str]]:
    odd = _odd_kinds(picture)
    picture.load()
    turned = ImageOps.exif_transpose(picture) if "EXIF-rotated" in odd else picture
    return flatten(turned), odd + _odd_shape(turned)


def _odd_kinds(picture: Image.Image) -> list[str]:
    # before load(): decoding may change the mode and forgets the tiles
    kinds = {
        "CMYK": picture.mode == "CMYK",
        "16-bit": picture.mode.startswith("I;16") or _stored_as_16_bit(picture),
        "32-bit": picture.mode in ("I", "F"),
        "palette": picture.mode in ("P", "PA"),
        "RGBA": picture.mode in _ALPHA or "transparency" in picture.info,
        "animated": picture.format != "MPO" and getattr(picture, "is_animated", False),
        "EXIF-rotated": _orientation(picture) in range(2, 9),
    }
    return [kind for kind, is_so in kinds.items() if is_so]


def _stored_as_16_bit(picture: Image.Image) -> bool:
    return any(";16" in str(tile[3]) for tile in getattr(picture, "tile", []))


def _orientation(picture: Image.Image) -> int:
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # a malformed EXIF block raises anything; the picture itself may be whole
        return 1


def _odd_shape(picture: Image.Image) -> list[str]:
    short, long = sorted(picture.size)
    odd = [f"very small ({picture.width} x {picture.height})"] if short < SMALLEST_SIDE else []
    if long / max(short, 1) > LARGEST_RATIO:
        odd.append(f"extreme shape ({picture.width} x {picture.height})")
    return odd


def flatten(picture: Image.Image) -> Image.Image:
    """Return the first frame as RGB: transparency over white, 16 bits scaled to 8, CMYK and palettes converted."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return Image.fromarray(_scale_deep(np.asarray(picture))).convert("RGB")
    if picture.mode in _ALPHA or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture.convert("RGB")


def _scale_deep(values: np.ndarray) -> np.ndarray:
    """Bring integers of 16 bits (0..65535) or anything deeper (its own range) to 0..255."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 65535 and values.dtype.kind in "iu":
        return np.rint(values.astype(np.float64) / 257).astype(np.uint8)
    if not (low >= 0 and high <= 1):
        values = (values - low) / max(high - low, 1e-12)
    return np.rint(values * 255).astype(np.uint8)


def _eight_bit(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "fb":
        array = np.rint(array * 255)
    elif array.dtype == np.uint16:
        array = np.rint(array / 257)
    array = array.astype(np.uint8)
    return array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
