"""Chunks of states in a folder: each written whole, each telling in its header what it holds."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from headstart.engine.states import Chunk, States, n_bytes
from headstart.errors import UserError
from headstart.locks import sweep_parts
from headstart.storage import checksum, load_tensors, save_tensors

TRIM_TO = 20 * 2**30
"""Bytes that all cached states may take; the longest unused go first."""
IN_MEMORY = 1 * 2**30
"""Bytes of states that are kept in memory where the cache cannot be written."""


def cache_directory(directory: str | Path | None = None) -> Path:
    """Return ``directory``, or HEADSTART_CACHE, or the user's cache folder; in it, the folder of states."""
    if directory is not None:
        return Path(directory)
    import platformdirs

    chosen = Path(os.environ.get("HEADSTART_CACHE") or platformdirs.user_cache_dir("headstart"))
    # A user without a home has no cache: nothing can be written below a device, and states stay in memory.
    return (Path(os.devnull) if str(chosen).startswith("~") else chosen) / "features"


class Shelf:
    """Entries by name in one folder, for one network, cut and preprocessing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self.computed = 0
        self._chunks: list[Chunk] = []
        self._where: dict[str, tuple[int, int]] = {}
        self._seen: set[Path] = set()
        self._held = 0

    def open(self, wanted: set[str]) -> None:
        """Open the chunks that hold something wanted; a damaged one is removed, with a note."""
        sweep_parts(self.folder)
        for path in self._paths():
            entries = _entries(path)
            if path in self._seen or (entries is not None and not wanted.intersection(entries)):
                continue
            try:
                self._keep(self._load(path), entries or [])
                self._seen.add(path)
            except UserError:
                self._drop(path)
        if self._seen:
            with contextlib.suppress(OSError):
                os.utime(self.folder)

    def _paths(self) -> list[Path]:
        try:
            return sorted(self.folder.glob("*.safetensors"))
        except OSError:
            return []

    def _load(self, path: Path) -> Chunk:
        """Read a chunk, and refuse one whose states, names or place are not those that it was written with."""
        chunk, about = load_tensors(path, verify=False)
        if about.get("seal") != self._seal(about.get("entries"), chunk):
            raise UserError(f"{path} does not match its seal.")
        return chunk

    def _seal(self, entries: Any, chunk: Chunk) -> str:
        text = json.dumps([self.folder.name, entries, checksum(chunk)])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def _drop(self, path: Path) -> None:
        if not path.exists():  # another process made room
            return
        self.notes.append(f"The cached chunk {path.name} was damaged; its states are computed again.")
        with contextlib.suppress(OSError):
            path.unlink()

    def add(self, entries: list[str], chunk: Chunk) -> None:
        """Write a chunk of new entries and keep it open; where that cannot be, keep it in memory, with a note."""
        name = hashlib.blake2b("\n".join(entries).encode(), digest_size=16).hexdigest()
        path = self.folder / f"{name}.safetensors"
        try:
            save_tensors(path, chunk, {"entries": entries, "seal": self._seal(entries, chunk)})
            self._seen.add(path)
            kept = load_tensors(path, verify=False)[0]
        except UserError as error:
            kept = self._in_memory(chunk, error)
        self._keep(kept, entries)
        self.computed += len(entries)

    def _in_memory(self, chunk: Chunk, error: UserError) -> Chunk:
        self._held += n_bytes(chunk)
        if self._held > IN_MEMORY:
            raise error
        why = str(error).partition(": ")[2] or str(error)  # without the chunk's name, so that it is said once
        note = f"The cache {self.folder.parent} cannot be used, so what is computed is kept for this run alone: {why}"
        self.notes = [*[known for known in self.notes if not known.startswith("The cache ")], note]
        return chunk

    def _keep(self, chunk: Chunk, entries: list[str]) -> None:
        for row, entry in enumerate(entries):
            self._where.setdefault(entry, (len(self._chunks), row))
        self._chunks.append(chunk)

    def missing(self, wanted: list[str]) -> list[int]:
        """Return the places in ``wanted`` of what is not here, each entry once."""
        first = {entry: place for place, entry in reversed(list(enumerate(wanted)))}
        return sorted(place for entry, place in first.items() if entry not in self._where)

    def states(self, wanted: list[list[str]]) -> States:
        """Return the states of ``wanted`` [n][views]."""
        index = np.array([[self._where[entry] for entry in views] for views in wanted], dtype=np.int64)
        return States(self._chunks, index, self.notes, self.computed)


def _entries(path: Path) -> list[str] | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return json.loads(file.metadata()["entries"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return None


def trim(directory: Path, keep: Path, limit: int = TRIM_TO) -> None:
    """Remove the folders of states unused for longest, never ``keep``, until at most ``limit`` bytes are left."""
    sizes = {folder: _size(folder) for folder in _folders(directory)}
    total = sum(size for size, _ in sizes.values())
    for folder in sorted(sizes, key=lambda folder: sizes[folder][1]):
        if total > limit and folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= sizes[folder][0]


def _folders(directory: Path) -> list[Path]:
    try:
        return [folder for folder in directory.iterdir() if folder.is_dir()]
    except OSError:
        return []


def _size(folder: Path) -> tuple[int, float]:
    """Return bytes and the last use; nothing for what another process is removing."""
    total, used = 0, 0.0
    with contextlib.suppress(OSError):
        used = folder.stat().st_mtime
        for file in folder.iterdir():
            total += file.stat().st_size
    return total, used
