"""Short clips as samples: eight frames of each, at stated times, side by side in one picture.

A clip is a GIF, a video, or a folder of frames. `frame_positions` is the rule. The frames lie on a sheet, four beside
one another in two rows, so that whatever reads, checks, hashes, caches and shows pictures does the same with clips.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
from PIL import Image

from headstart.data.arrow import Columns
from headstart.data.folders import VIDEO_ENDINGS, Folder
from headstart.data.images import ENDINGS, decode_image, flatten
from headstart.data.inputs import Files
from headstart.data.memory import ran_out
from headstart.data.splits import SPLIT_NAMES
from headstart.errors import UserError

CLIP = "clip"
FRAMES, ACROSS = 8, 4
"""Frames of a clip, and how many lie beside one another on its sheet."""
MOST_FRAMES = 100_000
Array = np.ndarray


def frame_positions(n: int, wanted: int = FRAMES) -> list[int]:
    """Return which of n frames are taken: the middle one of each of ``wanted`` equal parts; few frames come repeatedly.

    Examples
    --------
    >>> frame_positions(16), frame_positions(3)
    ([1, 3, 5, 7, 9, 11, 13, 15], [0, 0, 0, 1, 1, 2, 2, 2])
    """
    return [(2 * place + 1) * n // (2 * wanted) for place in range(wanted)]


class Clips(Files):
    """Clips named by the only column of ``paths``, relative to ``root``; what is loaded, and hashed, is the sheet."""

    frames = FRAMES

    def __init__(self, paths: Columns, root: str | Path) -> None:
        super().__init__(paths, root, "image")

    def load(self, handle: str) -> Array:  # type: ignore[override]
        return read_clip(Path(handle))


def read_clip(path: Path) -> Array:
    """Return the sheet of a clip [2 h, 4 w, 3] (uint8); frames of other sizes take that of the first one.

    Raises
    ------
    OSError
        Whatever is wrong with the file, in words.
    """
    try:
        frames = _from_folder(path) if path.is_dir() else _from_file(path)
    except (OSError, UserError):
        raise
    except Exception as error:  # Pillow raises nearly anything on a damaged file
        if ran_out(error):
            raise
        raise OSError(str(error) or type(error).__name__) from error
    size = frames[0].size
    whole = [np.asarray(frame if frame.size == size else frame.resize(size)) for frame in frames]
    rows = [np.concatenate(whole[start : start + ACROSS], axis=1) for start in range(0, FRAMES, ACROSS)]
    return np.concatenate(rows)


def _from_folder(path: Path) -> list[Image.Image]:
    names = sorted((item.name for item in path.iterdir() if item.suffix.lower() in ENDINGS), key=by_numbers)
    if not names:
        raise OSError("the folder holds no frame")
    decoded: dict[int, Image.Image] = {}
    for place in frame_positions(len(names)):
        decoded[place] = decoded.get(place) or decode_image((path / names[place]).read_bytes())[0]
    return [decoded[place] for place in frame_positions(len(names))]


def _from_file(path: Path) -> list[Image.Image]:
    if path.suffix.lower() in VIDEO_ENDINGS:
        return _from_video(path)
    with Image.open(path) as film:
        count = getattr(film, "n_frames", 1)
        frames: dict[int, Image.Image] = {}
        for place in sorted(set(frame_positions(count))):
            film.seek(place)
            frames[place] = flatten(film.copy())
        return [frames[place] for place in frame_positions(count)]


def _from_video(path: Path) -> list[Image.Image]:
    """Return frames of a video, in two passes: how many there are is not always said."""
    try:
        import av  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UserError(
            f"{path} is a video, which PyAV reads; install headstart[video], or give GIFs or folders of frames."
        ) from None
    with av.open(str(path)) as film:
        count = 0
        for _ in film.decode(video=0):
            count += 1
            if count > MOST_FRAMES:
                raise OSError(f"it has more than {MOST_FRAMES:,} frames; cut it into short clips")
    if not count:
        raise OSError("it has no frame")
    wanted = frame_positions(count)
    with av.open(str(path)) as film:
        frames = {place: frame.to_image() for place, frame in enumerate(film.decode(video=0)) if place in wanted}
    return [frames[place] for place in wanted]


def by_numbers(name: str) -> list[tuple[int, str]]:
    """Return what names are sorted by so that ``frame10`` follows ``frame9``.

    Examples
    --------
    >>> sorted(["f10.png", "f9.png"], key=by_numbers)
    ['f9.png', 'f10.png']
    """
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def holds_clips(folder: Folder, root: Path) -> bool:
    """Whether every file is a video or a GIF that moves: then they are clips without being called so."""
    if folder.modality == CLIP:
        return True
    paths = folder.index.table.column("path").to_pylist()
    return (
        folder.modality == "image" and all(path.lower().endswith(".gif") for path in paths) and _moves(root / paths[0])
    )


def _moves(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            return bool(getattr(picture, "is_animated", False))
    except OSError:
        return False


def gathered(folder: Folder) -> Folder:
    """Return the index of a folder by clips: what lies two folders below a class is a frame of the clip above it."""
    table = folder.index.table
    paths = table.column("path").to_pylist()
    splits = all(PurePosixPath(path).parts[0].lower() in SPLIT_NAMES for path in paths)
    clips = ["/".join(PurePosixPath(path).parts[: 3 if splits else 2]) for path in paths]
    first = list({clip: place for place, clip in reversed(list(enumerate(clips)))}.items())
    first.sort(key=lambda item: item[1])
    places = pa.array([place for _, place in first])
    index = table.take(places).set_column(0, table.schema.field("path"), pa.array([clip for clip, _ in first]))
    given = None if folder.given is None else folder.given[places.to_numpy()]
    notes = folder.notes | {"clips": f"{FRAMES} frames of each clip, the middle ones of {FRAMES} equal parts"}
    return Folder(Columns(index), folder.classes, CLIP, given, notes, folder.warnings)


def clip_names(paths: list[Path]) -> Iterator[str]:
    """Yield the clips that are meant by paths: files, folders of frames, and folders of either.

    Raises
    ------
    UserError
        If a path is none of these.
    """
    for path in paths:
        if path.is_file() and path.suffix.lower() in (*VIDEO_ENDINGS, ".gif"):
            yield str(path)
            continue
        inside = sorted(path.iterdir()) if path.is_dir() else []
        inside = [item for item in inside if not item.name.startswith(".")]
        if any(item.is_file() and item.suffix.lower() in ENDINGS - {".gif"} for item in inside):
            yield str(path)
        elif inside:
            yield from clip_names([item for item in inside if item.is_dir() or item.suffix.lower() in CLIP_FILES])
        else:
            raise UserError(f"{path} is no clip; give GIFs, videos, folders of frames, or a folder of these.")


CLIP_FILES = (*sorted(VIDEO_ENDINGS), ".gif")
