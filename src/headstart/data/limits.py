"""Stated limits of what is read, so that a small file cannot fill the memory or the disk (`docs/data.md`)."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headstart.errors import UserError

LONGEST_LINE = 16 * 2**20
"""Bytes of a line of JSON lines, and of standard input."""
MOST_COLUMNS = 10_000
LONGEST_NAME = 1_000
"""Characters of a column's name."""
FREE = 2**30
RATIO = 200
"""A packed file may unpack to `FREE` bytes, or to `RATIO` times its size, whichever is more."""


class Bounded(io.RawIOBase):
    """The bytes of a file, unpacked if its name ends in ``.gz``, up to the limit of a packed file.

    With ``utf8`` they are checked as they come: the CSV reader's own complaint about a row would be no sentence.
    """

    def __init__(self, path: Path, *, utf8: bool = False) -> None:
        self.path = path
        self.decoder = codecs.getincrementaldecoder("utf-8")() if utf8 else None
        self.row = 1
        packed = path.suffix == ".gz"
        self.stream: Any = gzip.open(path, "rb") if packed else path.open("rb")  # noqa: SIM115 - closed by `close`
        self.left = most_unpacked(path.stat().st_size) if packed else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self.stream.readinto(buffer)
        if self.left is not None:
            self.left -= count
            if self.left < 0:
                raise UserError(too_packed(self.path))
        if self.decoder is not None:
            self._require_utf8(self.decoder, bytes(buffer[:count]))
        return count

    def _require_utf8(self, decoder: codecs.IncrementalDecoder, block: bytes) -> None:
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            row = self.row + block[: error.start].count(b"\n")
            raise UserError(f"{self.path} is not UTF-8 in row {row}; save it again as UTF-8.") from None
        self.row += block.count(b"\n")

    def close(self) -> None:
        self.stream.close()
        super().close()


def most_unpacked(size: int) -> int:
    """Return the bytes that a packed file of ``size`` bytes may unpack to."""
    return max(FREE, RATIO * size)


def too_packed(path: Path) -> str:
    return (
        f"{path} unpacks to more than {FREE:,} bytes and more than {RATIO} times its own size, which no table does; "
        "unpack it yourself if it is one."
    )


def open_bounded(path: Path, *, utf8: bool = False) -> io.BufferedReader:
    """Open a plain or packed file for reading, bounded as `Bounded` says; with ``utf8`` anything else is an error."""
    return io.BufferedReader(Bounded(path, utf8=utf8), 2**16)


def lines(stream: Any, place: str) -> Iterator[bytes]:
    """Yield lines; one that is too long is an error that names it."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise UserError(
                f"{place} has more than {LONGEST_LINE:,} bytes in line {number}, the most that are read; break it up."
            )
        yield line


def require_columns(names: list[str], place: str) -> None:
    """Refuse a table of too many columns, or of too long a name."""
    if len(names) > MOST_COLUMNS:
        raise UserError(f"{place} has {len(names):,} columns, and at most {MOST_COLUMNS:,} are read; take some out.")
    long = next((name for name in names if len(name) > LONGEST_NAME), None)
    if long is not None:
        raise UserError(
            f"{place} has a column whose name '{long[:40]}...' has {len(long):,} characters, and at most "
            f"{LONGEST_NAME:,} are read; shorten it."
        )
