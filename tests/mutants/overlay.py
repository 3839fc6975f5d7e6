"""A copy of ``src/`` for one worker, in which one file at a time is changed; the working tree is never touched."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"


class Overlay:
    """``folder`` holds the copy; what it says is imported by whoever puts it first on the path."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(SOURCE, folder)
        self.folder = folder

    @contextmanager
    def changed(self, file: str, text: str) -> Iterator[None]:
        """Let ``file`` (below ``src/``) read ``text`` meanwhile."""
        path = self.folder / file
        compiled = Path(importlib.util.cache_from_source(str(path)))
        compiled.unlink(missing_ok=True)  # bytecode is taken for current by seconds and size alone
        path.write_text(text)
        try:
            yield
        finally:
            shutil.copy2(SOURCE / file, path)
