"""Files that list a folder's pictures, one for all or one per split: which they are, and where the pictures lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headstart.data.dataset import SPLITS
from headstart.data.folders import loose_files, subfolders
from headstart.data.splits import SPLIT_NAMES
from headstart.errors import UserError


def listing_files(path: Path, ending: str, looks: Callable[[Path], bool]) -> list[str]:
    """Return the files of an ending that look right in a folder, its ``annotations`` or those of its splits."""
    inner = [name for name in subfolders(path) if name.lower() in ("annotations", *SPLIT_NAMES)]
    found = [f"{below}/{name}" if below else name for below in ("", *inner) for name in loose_files(path / below)]
    return [name for name in found if name.lower().endswith(ending) and looks(path / name)]


def splits_of(path: Path, files: list[str], kind: str) -> list[int | None]:
    """Return the split of each file by the words of its name or folder: train, val or test; None for a single one."""
    splits = [_split_of(name) for name in files]
    if len(files) > 1 and (None in splits or len(set(splits)) < len(splits)):
        raise UserError(f"{path} holds several {kind} files ({', '.join(files[:4])}), and their names do not tell "
                        f"train, val "
                        "and test apart; rename them, or keep one.")  # fmt: skip
    return splits if len(files) > 1 else [None]


def _split_of(name: str) -> int | None:
    words = name.lower().replace("/", "_").replace(".", "_").replace("-", "_").split("_")
    stripped = [word.rstrip("0123456789") for word in words]
    return next((SPLITS.index(SPLIT_NAMES[word]) for word in stripped if word in SPLIT_NAMES), None)


def picture_place(root: Path, file: str, name: str) -> str:
    """Return where a picture that a file names lies, relative to the root."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(
            f"{root / file} names the picture '{name[:100]}', which lies outside of {root}; name it from there."
        )
    below = Path(file).parent.as_posix()
    stem = Path(file).stem.split("_")[-1]
    tried = [below, "", "images", stem, f"images/{stem}", stem.rstrip("0123456789")]
    for folder in tried:
        path = f"{folder}/{name}" if folder not in ("", ".") else name
        if (root / path).is_file():
            return path
    raise UserError(
        f"{root / file} names the picture '{name[:100]}', which is neither beside it nor in images/; add it."
    )
