"""Folders and files that may come from a stranger: what is refused before it is read, and errors as one sentence."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from headstart.errors import UserError

UNUSABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What code raises that is given values of the right names and of the wrong kinds."""


def refuse_links(folder: str | os.PathLike[str]) -> None:
    """Refuse a folder in which a link leads out of it, or in which something is neither a file nor a folder.

    What a link leads to would end in a report, a model card or an export; a pipe would be waited for.

    Raises
    ------
    UserError
        With the first such name.
    """
    root = os.path.realpath(folder)
    for parent, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(parent, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                end = os.path.realpath(path)
                if end != root and not end.startswith(root + os.sep):
                    raise UserError(
                        f"{Path(folder) / os.path.relpath(path, root)} is a link that leaves the folder, and is not "
                        "followed; put the file itself there."
                    )
            elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise UserError(f"{Path(folder) / os.path.relpath(path, root)} is no file; take it out of the folder.")


@contextlib.contextmanager
def unusable(what: str | os.PathLike[str], do: str = "the file is damaged or was edited") -> Iterator[None]:
    """Turn what code raises on values that a schema cannot tell from good ones into a `UserError` about ``what``."""
    try:
        yield
    except UNUSABLE as error:
        said = (str(error).splitlines() or [""])[0][:160].rstrip(".")
        raise UserError(f"{what} cannot be used ({type(error).__name__}: {said}); {do}.") from error


READ = (".json", ".safetensors", ".skops", ".txt", ".model")
"""Endings of what a model is read from; its card and its exports may be edited and come and go."""


def digests(directory: str | os.PathLike[str]) -> dict[str, str]:
    """Return the BLAKE2b digest of every file under ``directory`` that a model is read from, by its relative name."""
    root = Path(directory)
    found = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix in READ)
    return {path.relative_to(root).as_posix(): _digest(path) for path in found if not path.name.endswith(".onnx.json")}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def check_digests(directory: str | os.PathLike[str], expected: Mapping[str, str] | None) -> None:
    """Refuse a model whose files are not those that its run wrote; None, of an older run, passes.

    Raises
    ------
    UserError
        With the first file that is missing, changed or was put there.
    """
    if expected is None:
        return
    found = digests(directory)
    for name in sorted({*found, *expected}):
        path = Path(directory) / name
        if name not in found:
            raise UserError(f"{path} is missing, and the run wrote it; put it back, or fit the run again.")
        if found[name] != expected.get(name):
            raise UserError(
                f"{path} is not the file that the run wrote: it is of another run or was edited since (its "
                "digest is not that in run.json); put the run's own file back, or fit the run again."
            )
