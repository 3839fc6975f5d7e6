"""CSV and TSV: streamed as strings into mapped Arrow, then typed by what all of a column's values are."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from headstart.data.arrow import Columns, spill
from headstart.data.frame import Frame, Part, require_same_columns, require_unique
from headstart.data.limits import LONGEST_LINE, open_bounded
from headstart.errors import UserError

MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "?", "-nan", "<NA>", "None")
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
    return Frame(typed(strings), found, files[0].parent, notes=notes)


def _open(file: Path) -> Any:
    return open_bounded(file)


def _header(file: Path) -> tuple[list[str], str]:
    """Return column names and delimiter."""
    try:
        with _open(file) as stream:
            first = stream.readline(LONGEST_LINE)
        if first.startswith(_BYTE_ORDER_MARKS):
            raise UserError(f"{file} is UTF-16, but UTF-8 is expected; save it again as UTF-8.")
        line = first.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 in its header line ({error.reason}); save it again as UTF-8.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file} cannot be read ({error}).") from error
    if not line.strip():
        raise UserError(f"{file} is empty or its first line is; a line of column names is expected.")
    mark = _delimiter(file, line)
    import csv as standard

    names = [cell.strip() or "unnamed" for cell in next(standard.reader([line], delimiter=mark))]
    if len(names) > 1 and sum(_is_number(name) for name in names) * 2 >= len(names):
        raise UserError(f"The first line of {file} looks like data ({line[:60]}); add a line of column names.")
    require_unique(names, file.name)
    return names, mark


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
    read = csv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=names, skip_rows=1)
    try:
        with _open(file) as stream:
            for batch in csv.open_csv(stream, read, parse, convert):
                _require_even(file, ragged)
                yield batch
        _require_even(file, ragged)
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
    if "Empty CSV" in str(error):
        return UserError(f"{file} has column names but no rows.")
    return UserError(f"{file} cannot be read as a table ({error}).")


def typed(strings: Columns) -> Columns:
    """Give every column of strings the narrowest type that all its values have, missing ones aside.

    The order is integer, float, boolean, date, string. Only columns that are no strings take marks such as
    ``NA`` or ``?`` as missing; in a column of strings they are words.
    """
    fields = [pa.field(name, _narrowest(strings, name)) for name in strings.names]
    schema = pa.schema(fields)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in strings.batches:
            columns = [_cast(column, field.type) for column, field in zip(batch.columns, schema, strict=True)]
            yield pa.record_batch(columns, schema=schema)

    return spill(batches(), schema)


def _narrowest(strings: Columns, name: str) -> pa.DataType:
    kinds = [pa.int64(), pa.float64(), pa.bool_(), pa.timestamp("s")]
    some = False
    for _, values in strings.chunks(name):
        while kinds and not _fits(values, kinds[0]):
            kinds.pop(0)
        some = some or bool(pc.any(pc.invert(_is_missing(values))).as_py())  # type: ignore[attr-defined]
    if not some:
        return pa.null()
    return kinds[0] if kinds else pa.string()


def _fits(values: pa.Array, kind: pa.DataType) -> bool:
    try:
        _cast(values, kind)
    except pa.ArrowInvalid:
        return False
    return True


def _is_missing(values: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(values)  # type: ignore[attr-defined]
    return pc.is_in(trimmed, value_set=pa.array([*MISSING, None], pa.string()))  # type: ignore[attr-defined]


def _cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind == pa.string():
        return values
    if kind == pa.null():
        return pa.nulls(len(values))
    kept = pc.if_else(_is_missing(values), None, pc.utf8_trim_whitespace(values))  # type: ignore[attr-defined]
    return kept.cast(kind)
