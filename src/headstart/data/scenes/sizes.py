"""The size of a picture as it is shown, from its header alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from headstart.data.images import orientation
from headstart.errors import UserError

MOST_OTHER = 0.05
"""Share of pictures that may have another size than their labels say."""


def upright_size(path: Path) -> tuple[int, int] | None:
    """Return height and width after the turn that EXIF asks for; None where the header cannot be read."""
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            return (width, height) if orientation(picture) in (5, 6, 7, 8) else (height, width)
    except Exception:  # Pillow raises nearly anything on a damaged file
        return None


def said_sizes(
    place: Path, pictures: Sequence[tuple[str, tuple[int, int] | None, tuple[int, int] | None]]
) -> list[str]:
    """Return a warning where few pictures have another size, (height, width), than their labels say.

    Parameters
    ----------
    pictures : path, the size that is said, and the size that the picture has as it is shown; None: not known.

    Raises
    ------
    UserError
        Where over 5% have: the labels are of other pictures, larger, smaller or turned.
    """
    other = [one for one in pictures if one[1] and one[2] and one[1] != one[2]]
    if not other:
        return []
    path, said, found = other[0]
    assert said is not None
    assert found is not None
    what = (
        f"{len(other)} of {len(pictures)} pictures of {place} have another size than their labels say (first {path}: "
        f"{found[1]} x {found[0]} as it is shown, {said[1]} x {said[0]} by its labels)"
    )
    if len(other) > MOST_OTHER * len(pictures):
        raise UserError(f"{what}; give the pictures that were labelled, or correct the sizes and the places.")
    return [f"{what}: their labels may lie in wrong places."]
