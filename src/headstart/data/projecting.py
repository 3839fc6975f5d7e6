"""A table's features as values: numbers, and strings, in mapped Arrow; never a number that cannot be computed with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.data.arrow import Columns, spill
from headstart.data.arrowtypes import as_words, is_string
from headstart.data.conventions import DATE, NUMBER, TRUTH, Reading, fitting, is_missing, read, trimmed
from headstart.data.frame import Frame
from headstart.data.settling import words
from headstart.errors import UserError

LARGEST = float(np.sqrt(np.finfo(np.float32).max))
"""Networks compute in single precision, and what they compute is squared."""


def kinds_by_type(frame: Frame, names: Sequence[str]) -> dict[str, pa.DataType]:
    """Return how features are read: strings as categories, all else as numbers."""
    schema = frame.columns.table.schema
    return {name: pa.string() if is_string(schema.field(name).type) else pa.float64() for name in names}


def readings_of(frame: Frame, names: Sequence[str]) -> dict[str, Reading]:
    """Return how numeric features are read where that is not plain: what new data must follow."""
    return {name: found for name in names if (found := reading_of(frame, name)) is not None and not found.is_plain}


def reading_of(frame: Frame, name: str) -> Reading | None:
    """Return how a column of numbers is read; None for strings."""
    kind = frame.columns.table.schema.field(name).type
    if is_string(kind):
        return None
    by_type = TRUTH if pa.types.is_boolean(kind) else DATE if pa.types.is_timestamp(kind) else NUMBER
    return frame.readings.get(name, by_type)


def project(
    frame: Frame, kinds: Mapping[str, pa.DataType], instead: Mapping[str, pa.ChunkedArray] | None = None
) -> Columns:
    """Return a table's features in mapped Arrow, each as the kind asked for: float64, int64 or string.

    Booleans become 0 and 1, dates days since 1970, blank strings missing.

    Parameters
    ----------
    instead : columns to take instead of the frame's own, in chunks like theirs.

    Raises
    ------
    UserError
        If a number is infinite or too large, or a word stands where a number must; row and column are named.
    """
    columns = {n: (instead or {}).get(n, _source(frame, n, kind)) for n, kind in kinds.items()}
    source, schema = Columns(pa.table(columns)), pa.schema(list(kinds.items()))

    def batches() -> Iterator[pa.RecordBatch]:
        for start, batch in zip(source.starts, source.batches, strict=False):
            found = [_feature(frame, int(start), field, batch.column(field.name)) for field in schema]
            yield pa.record_batch(found, schema=schema)

    return spill(batches(), schema)


def _source(frame: Frame, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    return words(frame, name) if kind == pa.string() else frame.columns.table.column(name)


def _feature(frame: Frame, start: int, wanted: pa.Field, values: pa.Array) -> pa.Array:
    if wanted.type == pa.string():
        bare = trimmed(as_words(values))
        return pc.if_else(pc.equal(bare, ""), None, bare)  # type: ignore[attr-defined]
    if wanted.type == values.type == pa.int64():
        return values
    numbers = _as_float(frame, start, wanted.name, values)
    require_range(numbers.to_numpy(zero_copy_only=False), f"The column '{wanted.name}'", frame.row_names, start)
    return pc.if_else(pc.is_nan(numbers), None, numbers)  # type: ignore[attr-defined]


def require_range(numbers: np.ndarray, what: str, row_names: Callable[[np.ndarray], list[str]], start: int = 0) -> None:
    """Refuse infinite numbers, and those whose square overflows in single precision."""
    bad = np.flatnonzero(np.abs(numbers) > LARGEST)
    if not len(bad):
        return
    value, name = numbers[bad[0]], row_names(bad[:1] + start)[0]
    if np.isinf(value):
        raise UserError(f"{what} is infinite in {name}; write a number, or nothing if it is missing.")
    raise UserError(
        f"{what} holds {value:g} in {name}, but only numbers up to {LARGEST:.2g} can be computed with; correct the "
        "cell, or give the column in a larger unit."
    )


def _as_float(frame: Frame, start: int, name: str, values: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(values.type):
        whole = values.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        return pc.divide(whole.cast(pa.float64(), safe=False), 86400e6)  # type: ignore[attr-defined]
    if pa.types.is_boolean(values.type):
        return values.cast(pa.int8()).cast(pa.float64())
    if not is_string(values.type):
        return values.cast(pa.float64(), safe=False)
    return parsed(frame, start, name, values, NUMBER)


def parsed(frame: Frame, start: int, name: str, values: pa.Array, reading: Reading) -> pa.Array:
    """Return text as float64 by a reading; the first that does not fit is an error that names its row."""
    present = pc.if_else(is_missing(values), None, trimmed(values))  # type: ignore[attr-defined]
    good = fitting(present, reading).fill_null(True).to_numpy(zero_copy_only=False)
    if good.all():
        found = read(present, reading)
        return found if found.type == pa.float64() else _as_float(frame, start, name, found)
    row = int(np.flatnonzero(~good)[0])
    cell, place = values[row].as_py(), frame.row_names(np.array([start + row]))[0]
    like = "a number is" if reading.is_plain else f"{reading.words} are"
    raise UserError(f"The column '{name}' holds {cell!r} in {place}, but {like} expected.")
