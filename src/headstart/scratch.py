"""Temporary folders: gone at the end, and, where a process was killed, at the next start of another."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from headstart.locks import lock, open_descriptor
from headstart.storage import machine_faults

PREFIX = "headstart-scratch-"


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give an empty temporary folder; it is removed at the end of the block, whatever happens in it.

    A folder that a killed process left is removed by the next call of anybody with the same user.
    """
    place = tempfile.gettempdir()
    _sweep(Path(place))
    with machine_faults(place):
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
    try:
        with open_descriptor(folder) as descriptor:
            lock(descriptor)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove what killed processes left: folders that nobody holds, of processes that are gone."""
    with contextlib.suppress(OSError), os.scandir(place) as found:
        for entry in found:
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                _remove_if_left(Path(entry.path))


def _remove_if_left(folder: Path) -> None:
    number = folder.name.removeprefix(PREFIX).partition("-")[0]
    if not number.isdigit() or is_alive(int(number)):
        return
    with contextlib.suppress(OSError), open_descriptor(folder) as descriptor:
        if lock(descriptor):
            shutil.rmtree(folder, ignore_errors=True)


def is_alive(pid: int) -> bool:
    """Say whether a process of this number runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
