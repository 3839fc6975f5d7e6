"""CSV and TSV: streamed as strings into mapped Arrow, then typed by what all of a column's values are."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from headstart.data.arrow import spill
from headstart.data.frame import Frame, Part, require_same_columns, require_unique
from headstart.data.limits import LONGEST_LINE, open_bounded
from headstart.data.settling import settle
from headstart.errors import UserError

UNNAMED = "unnamed"
_BLOCK = 1 << 20
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_delimited(files: list[Path], parts: list[str | None]) -> Frame:
    """Read CSV or TSV files with the same header as one table; ``parts`` names each file's split, if any.

    Raises
    ------
    UserError
        If a row has too many or too few cells, or is not UTF-8 (both name the row), or the header is no header.
    """
    headers = {file.name: _header(file) for file in files}
    require_same_columns({name: names for name, (names, _) in headers.items()})
    names, _ = headers[files[0].name]
    counts: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for file in files:
            counts.append(0)
            for batch in _string_batches(file, *headers[file.name]):
                counts[-1] += batch.num_rows
                yield batch.select(names)

    strings = spill(batches(), pa.schema([(name, pa.string()) for name in names]))
    marks = sorted({mark for _, mark in headers.values()})
    notes = {} if marks[0] in ",\t" else {"delimiter": f"cells are separated by '{marks[0]}', as in the header"}
    found = [Part(f.name, n, split, first=2) for f, n, split in zip(files, counts, parts, strict=True)]
    unnamed = tuple(name for name in names[:1] if name == UNNAMED)
    frame = Frame(strings, found, files[0].parent, notes=notes, indexes=unnamed)
    return settle(frame, declared=False)


def _open(file: Path) -> Any:
    return open_bounded(file)


def _header(file: Path) -> tuple[list[str], str]:
    """Return column names and delimiter; a line ends with a line feed, a carriage return, or both."""
    try:
        with _open(file) as stream:
            first = _first_line(stream)
        if first.startswith(_BYTE_ORDER_MARKS) or b"\0" in first:
            raise UserError(f"{file} is UTF-16 or no text, but UTF-8 is expected; save it again as UTF-8.")
        line = first.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 in its header line ({error.reason}); save it again as UTF-8.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file} cannot be read ({error}).") from error
    if not line.strip():
        raise UserError(f"{file} is empty or its first line is; a line of column names is expected.")
    mark = _delimiter(file, line)
    import csv as standard

    names = [cell.strip() for cell in next(standard.reader([line], delimiter=mark))]
    names = [name or (UNNAMED if place == 0 else f"{UNNAMED} {place + 1}") for place, name in enumerate(names)]
    if len(names) > 1 and sum(_is_number(name) for name in names) * 2 >= len(names):
        raise UserError(f"The first line of {file} looks like data ({line[:60]}); add a line of column names.")
    require_unique(names, file.name)
    return names, mark


def _first_line(stream: Any) -> bytes:
    start = b""
    while not (found := re.search(rb"[\r\n]", start)) and (more := stream.read(max(4096, len(start)))):
        start += more
        if len(start) > LONGEST_LINE:
            raise OSError(f"its first line is longer than {LONGEST_LINE:,} bytes")
    return start[: found.start()] if found else start


def _delimiter(file: Path, line: str) -> str:
    if ".tsv" in file.suffixes:
        return "\t"
    return next((mark for mark in ",;\t" if mark in line), ",")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _string_batches(file: Path, names: list[str], mark: str) -> Iterator[pa.RecordBatch]:
    ragged: list[csv.InvalidRow] = []

    def remember(row: csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    parse = csv.ParseOptions(delimiter=mark, newlines_in_values=True, invalid_row_handler=remember)
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )  # fmt: skip
    rows, last = 0, None
    read = csv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=names, skip_rows=1)
    try:
        with open_bounded(file, utf8=True) as stream:
            for batch in csv.open_csv(stream, read, parse, convert):
                _require_even(file, ragged)
                rows += batch.num_rows
                last = batch
                yield batch
        _require_even(file, ragged)
        _require_closed(file, rows, last)
    except (pa.ArrowInvalid, OSError, EOFError, zlib.error) as error:
        raise _unreadable(file, error) from None


def _require_even(file: Path, ragged: list[csv.InvalidRow]) -> None:
    if ragged:
        row = ragged[0]
        place = f"row {row.number}" if row.number else f"the row '{row.text[:60]}'"
        raise UserError(
            f"{file} has {row.actual_columns} cells in {place}, but {row.expected_columns} columns; "
            "quote cells that hold the delimiter, or complete the row."
        )


def _require_closed(file: Path, rows: int, last: pa.RecordBatch | None) -> None:
    """Refuse a quote that swallowed the rest of the file: the last row holds lines, and quotes do not come in pairs."""
    cells = [column[-1].as_py() or "" for column in last.columns] if last is not None and last.num_rows else []
    if not any("\n" in cell or "\r" in cell for cell in cells):
        return
    with _open(file) as stream:
        quotes = sum(block.count(b'"') for block in iter(lambda: stream.read(_BLOCK), b""))
    if quotes % 2:
        raise UserError(
            f"{file} has a quote in row {rows + 1} that is never closed; close it, or double it inside a cell."
        )


def _unreadable(file: Path, error: Exception) -> UserError:
    number = 0
    try:
        with _open(file) as stream:
            decoder = codecs.getincrementaldecoder("utf-8")()
            for piece in iter(lambda: stream.readline(_BLOCK), b""):
                decoder.decode(piece)
                number += piece.endswith(b"\n")
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return UserError(f"{file} is not UTF-8 in row {number + 1}; save it again as UTF-8.")
    except (OSError, EOFError, zlib.error) as broken:
        return UserError(f"{file} cannot be read after row {number} ({broken}).")
    if "Could not skip" in str(error) and number == 0:  # a header line, and no line feed behind it
        return UserError(f"{file} has column names but no rows.")
    return UserError(f"{file} cannot be read as a table ({error}).")
