"""Where raw samples come from: files, Arrow columns, arrays. Each gives handles; a handle is loaded, then decoded."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data.arrow import Columns
from headstart.data.images import decode_image

DIGEST_BYTES = 16


class Inputs(ABC):
    """Raw samples by row number.

    ``handles`` is cheap and answers for many rows at once; ``load`` reads one sample's content (what is
    hashed); ``decode`` turns content into what preprocessing takes.
    """

    modality: str
    frames: int = 0
    """Of a clip, where samples are clips (`headstart.data.clips`)."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def handles(self, rows: np.ndarray) -> list[Any]: ...

    def load(self, handle: Any) -> Any:
        return handle

    def decode(self, content: Any) -> Any:
        """Return a PIL image (RGB), a string, or a dict of column to value."""
        if self.modality == "image":
            return decode_image(content)[0]
        return content.decode("utf-8-sig") if isinstance(content, bytes) else content


class Files(Inputs):
    """Files named by the only column of ``paths``, relative to ``root``."""

    def __init__(self, paths: Columns, root: str | Path, modality: str) -> None:
        self.paths, self.root, self.modality = paths, str(root), modality

    def __len__(self) -> int:
        return len(self.paths)

    def names(self, rows: np.ndarray) -> list[str]:
        return [str(name) for name in self.paths.take(rows).column(0).to_pylist()]

    def handles(self, rows: np.ndarray) -> list[str]:
        return [os.path.join(self.root, name) for name in self.names(rows)]

    def load(self, handle: str) -> bytes:
        return Path(handle).read_bytes()


class Blobs(Inputs):
    """Images inside an Arrow column: bytes, or the struct of ``bytes`` and ``path`` that `datasets` writes."""

    modality = "image"

    def __init__(self, column: Columns, root: str | Path = "") -> None:
        self.column, self.root = column, str(root)

    def __len__(self) -> int:
        return len(self.column)

    def handles(self, rows: np.ndarray) -> list[Any]:
        return self.column.take(rows).column(0).to_pylist()

    def load(self, handle: Any) -> bytes:
        if isinstance(handle, dict):
            content = handle.get("bytes")
            return Path(self.root, handle["path"]).read_bytes() if content is None else content
        return handle or b""


class Texts(Inputs):
    """Strings in an Arrow column; a missing one is empty."""

    modality = "text"

    def __init__(self, column: Columns) -> None:
        self.column = column

    def __len__(self) -> int:
        return len(self.column)

    def handles(self, rows: np.ndarray) -> list[str]:
        return [text or "" for text in self.column.take(rows).column(0).to_pylist()]


class Records(Inputs):
    """Rows of an Arrow table: numbers (NaN where missing) and strings (None where missing)."""

    modality = "table"

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self._is_number = [field.type == "double" for field in columns.table.schema]

    def __len__(self) -> int:
        return len(self.columns)

    def handles(self, rows: np.ndarray) -> list[dict[str, Any]]:
        table = self.columns.take(rows)
        values = [
            column.to_numpy().tolist() if number else column.to_pylist()
            for number, column in zip(self._is_number, table.columns, strict=True)
        ]
        return [dict(zip(table.column_names, row, strict=True)) for row in zip(*values, strict=True)]


class Arrays(Inputs):
    """Images in one or several arrays [n, h, w] or [n, h, w, c], one after another."""

    modality = "image"

    def __init__(self, arrays: Sequence[np.ndarray], channels_first: bool = False) -> None:
        self.arrays, self.channels_first = list(arrays), channels_first
        self.starts = np.cumsum([0] + [len(array) for array in self.arrays])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def handles(self, rows: np.ndarray) -> list[np.ndarray]:
        parts = np.searchsorted(self.starts, rows, side="right") - 1
        found = [self.arrays[p][row - self.starts[p]] for p, row in zip(parts, rows, strict=True)]
        return [np.moveaxis(image, 0, -1) for image in found] if self.channels_first else found


class Values(Inputs):
    """Samples that the user already holds: PIL images."""

    def __init__(self, values: Sequence[Any], modality: str) -> None:
        self.values, self.modality = values, modality

    def __len__(self) -> int:
        return len(self.values)

    def handles(self, rows: np.ndarray) -> list[Any]:
        return [self.values[int(row)] for row in rows]


class Joined(Inputs):
    """Samples of several places of one modality, one after another."""

    def __init__(self, parts: Sequence[Inputs]) -> None:
        self.parts, self.modality = list(parts), parts[0].modality
        self.frames = parts[0].frames
        self.starts = np.cumsum([0] + [len(part) for part in parts])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def handles(self, rows: np.ndarray) -> list[Any]:
        place = np.searchsorted(self.starts, rows, side="right") - 1
        found: list[Any] = [None] * len(rows)
        for number, part in enumerate(self.parts):
            mine = np.flatnonzero(place == number)
            for index, handle in zip(mine, part.handles(rows[mine] - self.starts[number]), strict=True):
                found[index] = (number, handle)
        return found

    def load(self, handle: tuple[int, Any]) -> Any:
        number, own = handle
        return self.parts[number].load(own)


def digest(content: Any) -> bytes:
    """Return 16 bytes of BLAKE2b of one sample's content; the same on every machine."""
    state = blake2b(digest_size=DIGEST_BYTES)
    if isinstance(content, bytes):
        state.update(content)
    elif isinstance(content, str):
        state.update(content.encode("utf-8", "surrogatepass"))
    elif isinstance(content, dict):
        state.update(json.dumps(content, sort_keys=True, ensure_ascii=False).encode())
    else:
        array = np.ascontiguousarray(content)
        state.update(f"{array.dtype.str}{array.shape}".encode())
        state.update(array.tobytes())
    return state.digest()
