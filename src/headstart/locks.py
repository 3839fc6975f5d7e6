"""Locks that end with the process that holds them, and the temporary files that killed processes left behind."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # no such locks on Windows
    fcntl = None

PART = ".part"
"""Ending of all that is being written."""
OLD = 24 * 3600.0
"""Seconds after which a temporary file counts as left behind where the file system knows no locks."""


def lock(descriptor: int, *, shared: bool = False) -> bool | None:
    """Try to lock an open file; True if that worked, False if another holds it, None where there are no locks.

    The system frees the lock when the file is closed, even by ``kill -9``.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def part_name(name: str) -> str:
    """Return how the temporary files beside the file ``name`` begin; short enough for any file system."""
    return f".{name[:60]}."


def sweep_parts(folder: Path, start: str = ".") -> None:
    """Remove temporary files in ``folder`` whose writer is gone; those being written stay."""
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            if entry.name.startswith(start) and entry.name.endswith(PART) and entry.is_file(follow_symlinks=False):
                _remove_if_left(Path(entry.path))


def _remove_if_left(path: Path) -> None:
    with contextlib.suppress(OSError), open_descriptor(path) as descriptor:
        free = lock(descriptor)
        if free or (free is None and time.time() - os.fstat(descriptor).st_mtime > OLD):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def open_descriptor(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    """Open ``path`` for the length of a block."""
    descriptor = os.open(path, flags, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
