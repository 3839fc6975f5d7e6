"""JSON lines: one object per line, streamed into mapped Arrow."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from headstart.data.arrow import spill
from headstart.data.frame import Frame, Part
from headstart.errors import UserError

_ROWS = 2048


def read_jsonlines(files: list[Path], parts: list[str | None]) -> Frame:
    """Read JSON lines files as one table; a key that a row lacks is missing there.

    The files are read twice: for the kinds of all values first, since a later row may tell more than an earlier one.
    """
    kinds: dict[str, set[str]] = {}
    counts = [_learn_kinds(file, kinds) for file in files]
    if not sum(counts):
        raise UserError(f"{files[0]} has no rows.")
    schema = pa.schema([(name, _arrow_type(found)) for name, found in kinds.items()])
    columns = spill((batch for file in files for batch in _batches(file, schema)), schema)
    found = [Part(f.name, n, split) for f, n, split in zip(files, counts, parts, strict=True)]
    return Frame(columns, found, files[0].parent)


def _objects(file: Path) -> Iterator[dict[str, Any]]:
    opener = gzip.open if file.suffix == ".gz" else open
    row = 0
    try:
        with opener(file, "rb") as stream:
            for line in filter(bytes.strip, stream):
                row += 1
                yield _object(file, row, line)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file} cannot be read after row {row} ({error}).") from error


def _object(file: Path, row: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 in row {row}; save it again as UTF-8.") from None
    except json.JSONDecodeError as error:
        hint = "; it looks like one JSON document, so write one object per line" if line.lstrip()[:1] == b"[" else ""
        raise UserError(f"{file} row {row} is not JSON ({error.msg}, column {error.colno}){hint}.") from None
    if not isinstance(value, dict):
        raise UserError(f"{file} row {row} is no JSON object; one object per line is expected.")
    return value


def _learn_kinds(file: Path, kinds: dict[str, set[str]]) -> int:
    count = 0
    for value in _objects(file):
        count += 1
        for name, cell in value.items():
            kinds.setdefault(name, set()).add(_kind(cell))
    return count


def _kind(cell: Any) -> str:
    return {bool: "bool", int: "int", float: "float", str: "str", list: "list", type(None): "null"}.get(
        type(cell), "object"
    )


def _arrow_type(kinds: set[str]) -> pa.DataType:
    kinds = kinds - {"null"}
    if not kinds:
        return pa.null()
    if kinds == {"list"}:
        return pa.list_(pa.string())
    if kinds == {"bool"}:
        return pa.bool_()
    if kinds <= {"int", "float"}:
        return pa.float64() if "float" in kinds else pa.int64()
    return pa.string()


def _batches(file: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, Any]] = []
    for value in _objects(file):
        rows.append(value)
        if len(rows) == _ROWS:
            yield _batch(rows, schema)
            rows = []
    yield _batch(rows, schema)


def _batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array([_value(row.get(field.name), field.type) for row in rows], field.type) for field in schema]
    return pa.record_batch(columns, schema=schema)


def _value(cell: Any, kind: pa.DataType) -> Any:
    if cell is None:
        return None
    if kind == pa.string():
        return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
    return [str(item) for item in cell] if isinstance(cell, list) else cell
