"""Chunks of states in a folder: each written whole, each telling in its header what it holds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from headstart.engine.states import Chunk, States
from headstart.errors import UserError
from headstart.storage import load_tensors, save_tensors

TRIM_TO = 20 * 2**30
"""Bytes that all cached states may take; the longest unused go first."""


def cache_directory(directory: str | Path | None = None) -> Path:
    """Return ``directory``, or HEADSTART_CACHE, or the user's cache folder; in it, the folder of states."""
    if directory is not None:
        return Path(directory)
    import platformdirs

    return Path(os.environ.get("HEADSTART_CACHE") or platformdirs.user_cache_dir("headstart")) / "features"


class Shelf:
    """Entries by name in one folder, for one network, cut and preprocessing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self.computed = 0
        self._chunks: list[Chunk] = []
        self._where: dict[str, tuple[int, int]] = {}
        self._seen: set[Path] = set()

    def open(self, wanted: set[str]) -> None:
        """Open the chunks that hold something wanted; a damaged one is removed, with a note."""
        for path in sorted(self.folder.glob("*.safetensors")):
            entries = _entries(path)
            if path in self._seen or (entries is not None and not wanted.intersection(entries)):
                continue
            self._seen.add(path)
            try:
                if entries is None:
                    raise UserError(f"{path} has no readable header.")
                self._keep(load_tensors(path)[0], entries)
            except UserError:
                path.unlink(missing_ok=True)
                self._seen.discard(path)
                self.notes.append(f"The cached chunk {path.name} was damaged; its states are computed again.")
        if self._seen:
            os.utime(self.folder)

    def add(self, entries: list[str], chunk: Chunk) -> None:
        """Write a chunk of new entries and keep it open."""
        name = hashlib.blake2b("\n".join(entries).encode(), digest_size=16).hexdigest()
        path = self.folder / f"{name}.safetensors"
        save_tensors(path, chunk, {"entries": entries})
        self._seen.add(path)
        self._keep(load_tensors(path, verify=False)[0], entries)
        self.computed += len(entries)

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
    folders = [folder for folder in directory.iterdir() if folder.is_dir()]
    sizes: dict[Path, Any] = {folder: sum(f.stat().st_size for f in folder.iterdir()) for folder in folders}
    total = sum(sizes.values())
    for folder in sorted(folders, key=lambda folder: folder.stat().st_mtime):
        if total > limit and folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= sizes[folder]
