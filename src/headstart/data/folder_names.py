"""Names of folders: readable, one spelling per class, and no link that leads round in a circle."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

from headstart.errors import UserError

Identity = tuple[int, int]


def class_name(folder: str) -> str:
    """Return the class that a folder stands for: the name in Unicode's normal form C.

    Systems write one name in several forms (é as one character, or as e and an accent), so that the same class may
    come to one split from here and to another from there.
    """
    return folder if folder.isascii() else unicodedata.normalize("NFC", folder)


def require_one_spelling(place: Path, names: list[str]) -> None:
    """Refuse two folders side by side that are one class in two normal forms."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(class_name(name), name)
        if other != name:
            raise UserError(
                f"The folder {place} holds the class '{class_name(name)}' twice, in two normal forms of Unicode "
                f"({other!a} and {name!a}); put its samples into one of them."
            )


def require_readable(folder: Path, name: str) -> None:
    """Refuse a name that is not text; without UTF-8 in the locale no name beyond ASCII is."""
    if name.isascii():
        return
    try:
        name.encode()
    except UnicodeEncodeError:
        stored, place = os.fsencode(name), printable(str(folder))
        if sys.getfilesystemencoding() != "utf-8" and _is_utf8(stored):
            raise UserError(
                f"The name {stored!r} in {place} cannot be read in this locale; set LC_ALL=C.UTF-8 or PYTHONUTF8=1."
            ) from None
        raise UserError(f"The name {stored!r} in {place} is not UTF-8; rename it.") from None


def require_text(path: Path) -> None:
    """Refuse a path of which a part is not text."""
    for part in (path, *path.parents):
        require_readable(part.parent, part.name)


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def printable(text: str) -> str:
    """Return text that any file can hold: what is not UTF-8 in a name is escaped.

    Examples
    --------
    >>> printable("caf\\udce9")
    'caf\\\\udce9'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError as error:
        raise UserError(f"The link {entry.path} cannot be followed ({error.strerror}); remove it.") from error


def identity(path: str | Path) -> Identity:
    """Return what tells a folder from all others, whatever links lead to it."""
    about = os.stat(path)
    return about.st_dev, about.st_ino


def above(folder: Path) -> frozenset[Identity]:
    """Return the folders in which a folder lies."""
    return frozenset(identity(parent) for parent in folder.resolve().parents)


def enter(path: str | Path, outside: frozenset[Identity]) -> frozenset[Identity]:
    """Return ``outside`` and the folder; refuse to enter a folder that one is in already."""
    here = identity(path)
    if here in outside:
        raise UserError(f"The link {path} leads back to {os.path.realpath(path)}, which it lies in; remove it.")
    return outside | {here}
