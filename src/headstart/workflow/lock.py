"""A run has one owner at a time: a lock in its ``state/`` that ends with the process that holds it."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.locks import lock, open_descriptor
from headstart.storage import machine_faults

NAME = "lock"
BEAT = 15.0
"""Seconds between signs of life."""
SILENCE = 4 * BEAT
"""A process on another machine that gave no sign of life for so long is taken to be gone."""
PATIENCE = 0.5
"""Seconds for which a lock is tried: a reader may look at it for a moment."""


@dataclass(frozen=True)
class Owner:
    """Who works on a run.

    Attributes
    ----------
    pid, host : the process. born : when it started, in seconds of the epoch, since numbers are used again.
    since : when it took the run, as a person reads it.
    """

    pid: int
    host: str
    born: float
    since: str

    @classmethod
    def here(cls) -> Owner:
        now = datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        return cls(os.getpid(), platform.node(), _born(os.getpid()) or 0.0, now)

    @property
    def is_alive(self) -> bool:
        """Whether that very process still runs on this machine."""
        born = _born(self.pid)
        return born is not None and abs(born - self.born) < 1.0

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"


def _born(pid: int) -> float | None:
    import psutil

    try:
        return psutil.Process(pid).create_time()
    except (psutil.Error, ValueError, OverflowError):
        return None


class Lock:
    """A lock file that is held; ``path`` follows it where its folder is renamed."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor
        self._released = threading.Event()
        threading.Thread(target=self._beat, name="headstart-lock", daemon=True).start()

    @classmethod
    def take(cls, path: Path, run: Path) -> Lock:
        """Take the lock of ``run``, or refuse with a sentence that says who has it."""
        with machine_faults(path):
            path.parent.mkdir(exist_ok=True)
            until = time.monotonic() + PATIENCE
            while True:
                descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
                taken = lock(descriptor)
                if taken is not False and _is_at(descriptor, path):
                    break
                other = _read(descriptor)
                os.close(descriptor)
                if time.monotonic() > until:
                    raise UserError(_refusal(run, other))
                time.sleep(0.02)
        try:
            _refuse_other(_read(descriptor), descriptor, path, run, certain=taken is True)
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(asdict(Owner.here())).encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor)

    def release(self) -> None:
        """Give the lock back; its file goes, unless another has put one in its place."""
        if self._released.is_set():
            return
        self._released.set()
        with contextlib.suppress(OSError):
            if _is_at(self._descriptor, self.path):
                self.path.unlink()
        os.close(self._descriptor)

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _beat(self) -> None:
        while not self._released.wait(BEAT):
            with contextlib.suppress(OSError):
                os.utime(self._descriptor)


def holder(path: Path) -> Owner | None:
    """Return who holds the lock file ``path``, None if nobody does."""
    try:
        with open_descriptor(path) as descriptor:
            free = lock(descriptor, shared=True)
            owner = _read(descriptor)
            if free is False:
                return owner or Owner(0, "this machine", 0.0, "a moment ago")
            if owner is None or (free and owner.host == platform.node()):
                return None
            return owner if _still_there(owner, descriptor, path, certain=free is True) else None
    except OSError:
        return None


def _refuse_other(owner: Owner | None, descriptor: int, path: Path, run: Path, *, certain: bool) -> None:
    """A lock that could be taken may still belong to somebody whom this file system's locks do not reach."""
    if owner is not None and _still_there(owner, descriptor, path, certain=certain):
        raise UserError(_refusal(run, owner))


def _still_there(owner: Owner, descriptor: int, path: Path, *, certain: bool) -> bool:
    if owner.host == platform.node():
        return not certain and owner.pid != os.getpid() and owner.is_alive
    return _file_clock(path.parent) - os.fstat(descriptor).st_mtime < SILENCE


def _file_clock(folder: Path) -> float:
    """Return the time by the clock of the file system, which may be that of another machine."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.utime(file.fileno())
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()


def _refusal(run: Path, owner: Owner | None) -> str:
    who = "another process" if owner is None else str(owner)
    there = owner is not None and owner.host != platform.node()
    hint = f" (if it is gone, a minute without a sign of life frees {run})" if there else ""
    return f"{run} is being worked on by {who}; wait until that is done, or stop it first{hint}."


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _read(descriptor: int) -> Owner | None:
    try:
        value: Any = json.loads(os.pread(descriptor, 4096, 0))
        return Owner(int(value["pid"]), str(value["host"]), float(value["born"]), str(value["since"]))
    except (OSError, ValueError, OverflowError, RecursionError, KeyError, TypeError):
        return None


@contextlib.contextmanager
def maybe_locked(path: Path, run: Path) -> Iterator[Lock | None]:
    """Hold the lock where the folder can be written to; where it cannot, nobody changes it."""
    try:
        held = Lock.take(path, run) if os.access(path.parent.parent, os.W_OK) else None
    except UserError:
        if holder(path) is not None:
            raise
        held = None
    try:
        yield held
    finally:
        if held is not None:
            held.release()
