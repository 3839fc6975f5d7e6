"""JSON lines: one object per line, streamed into mapped Arrow."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from headstart.data.arrays import has_surrogate, surrogate
from headstart.data.arrow import spill
from headstart.data.conventions import MISSING
from headstart.data.frame import Frame, Part
from headstart.data.limits import lines, open_bounded, require_columns
from headstart.data.settling import settle
from headstart.errors import UserError

_ROWS = 2048
NESTED = pa.struct([("json", pa.string())])
"""What a column with objects in it becomes: no feature, no text, no label."""
Kinds = dict[str, dict[str, str]]
"""Column to the kinds of its values, each with the first row of that kind."""


def read_jsonlines(files: list[Path], parts: list[str | None]) -> Frame:
    """Read JSON lines files as one table; a key that a row lacks is missing there.

    The files are read twice: for the kinds of all values first, since a later row may tell more than an earlier one.
    """
    kinds: Kinds = {}
    counts = [_learn_kinds(file, kinds) for file in files]
    if not sum(counts):
        raise UserError(f"{files[0]} has no rows.")
    require_columns(list(kinds), files[0].name)
    schema = pa.schema([(name, _arrow_type(name, found)) for name, found in kinds.items()])
    nested = [name for name, found in kinds.items() if "object" in found]
    told = f"columns that hold objects or lists of lists are not read: {', '.join(nested)}"
    columns = spill((batch for file in files for batch in _batches(file, schema)), schema)
    found = [Part(f.name, n, split) for f, n, split in zip(files, counts, parts, strict=True)]
    frame = Frame(columns, found, files[0].parent, notes={"nested": told} if nested else {})
    return settle(frame, declared=True)


def _objects(file: Path) -> Iterator[dict[str, Any]]:
    row = 0
    try:
        with open_bounded(file) as stream:
            for line in filter(bytes.strip, lines(stream, str(file))):
                row += 1
                yield _object(file, row, line)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file} cannot be read after row {row} ({error}).") from error


def _object(file: Path, row: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 in row {row}; save it again as UTF-8.") from None
    except RecursionError:
        raise UserError(f"{file} row {row} is nested too deeply; give one flat object per line.") from None
    except json.JSONDecodeError as error:
        hint = "; it looks like one JSON document, so write one object per line" if line.lstrip()[:1] == b"[" else ""
        raise UserError(f"{file} row {row} is not JSON ({error.msg}, column {error.colno}){hint}.") from None
    except ValueError as error:  # a whole number of thousands of digits
        raise UserError(f"{file} row {row} is not readable JSON ({error}).") from None
    if not isinstance(value, dict):
        raise UserError(f"{file} row {row} is no JSON object; one object per line is expected.")
    if b"\\u" in line:
        _require_characters(file, row, value)
    return value


def _require_characters(file: Path, row: int, value: dict[str, Any]) -> None:
    """Refuse half of a UTF-16 character, which JSON can write and UTF-8 cannot hold."""
    for name, cell in value.items():
        text = f"{name}{cell}" if isinstance(cell, str) else name + json.dumps(cell, ensure_ascii=False)
        if has_surrogate(text):
            shown = name.encode("utf-8", "backslashreplace").decode()
            raise UserError(surrogate(f"{file} row {row} column '{shown}'"))


def _learn_kinds(file: Path, kinds: Kinds) -> int:
    count = 0
    for count, value in enumerate(_objects(file), start=1):
        for name, cell in value.items():
            found = kinds.setdefault(name, {})
            kind = _kind(cell)
            if kind not in found:
                found[kind] = f"{file.name} row {count}"
    return count


def _kind(cell: Any) -> str:
    if isinstance(cell, list):
        plain = all(isinstance(item, str | int | float) and not isinstance(item, bool) for item in cell)
        return "list" if plain else "object"
    if isinstance(cell, str):
        return "missing" if cell.strip().lower() in MISSING else "string"
    if isinstance(cell, int) and not -(2**63) <= cell < 2**63:
        return "number"
    return {bool: "boolean", int: "integer", float: "number", type(None): "null"}.get(type(cell), "object")


def _arrow_type(name: str, found: dict[str, str]) -> pa.DataType:
    """Return the type of a column; kinds that do not go together are an error that names a row of each."""
    kinds = set(found) - {"null"}
    words = kinds - {"missing"}
    if "object" in kinds:
        return NESTED
    if words and words <= {"integer", "number"}:
        return pa.float64() if "number" in kinds else pa.int64()
    if words == {"boolean"}:
        return pa.bool_()
    if kinds == {"list"}:
        return pa.list_(pa.string())
    if kinds <= {"string", "missing"}:
        return pa.string() if kinds else pa.null()
    first, second = sorted(found[kind] for kind in words)[:2] if len(words) > 1 else [*found.values()][:2]
    shown = " and ".join(f"a {kind} ({place})" for kind, place in found.items() if place in (first, second))
    raise UserError(f"The column '{name}' holds {shown}; give all its values one type.")


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
    if kind == NESTED:
        return {"json": json.dumps(cell, ensure_ascii=False)}
    if isinstance(cell, list):
        return [str(item) for item in cell]
    if isinstance(cell, str) and kind != pa.string():
        return None
    return float(cell) if kind == pa.float64() else cell
