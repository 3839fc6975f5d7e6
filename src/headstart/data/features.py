"""The features of a table: which columns are some, and their values as numbers and strings in mapped Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.data.arrow import Columns, spill
from headstart.data.frame import Frame
from headstart.errors import UserError

_COUNTER_ROWS = 20


def choose_features(
    frame: Frame, free: Sequence[str], place: str, wanted: bool
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the columns that a table is learned from, and reasons; identifiers and empty columns are left out."""
    left_out = {name: reason for name in free if (reason := _no_feature(frame, name))}
    features = tuple(name for name in free if name not in left_out)
    if not features:
        why = "; ".join(f"'{name}' {reason}" for name, reason in left_out.items())
        raise UserError(f"{place} has no column to learn from ({why}); add features or name a column with --text.")
    given = "--modality table was given" if wanted else "no column holds pictures, names of image files or texts"
    reasons = {"modality": f"table: {given}"}
    if left_out:
        reasons["left out"] = "; ".join(f"column '{name}' {reason}" for name, reason in left_out.items())
    return features, reasons


def _no_feature(frame: Frame, name: str) -> str | None:
    """Return why a column is no feature, or None."""
    values = frame.columns.table.column(name)
    kind = values.type
    if pa.types.is_null(kind) or values.null_count == len(values):
        return "is empty"
    if pa.types.is_nested(kind) or is_picture(kind):
        return f"holds {kind} values"
    if frame.keep_all:
        return None
    if is_string(kind):
        distinct = pc.count_distinct(values).as_py()  # type: ignore[attr-defined]
        same = len(values) > 2 and distinct == len(values) - values.null_count
        return "looks like an identifier (all its strings differ)" if same else None
    if pa.types.is_integer(kind) and len(values) >= _COUNTER_ROWS and _counts_up(frame.columns, name):
        return "looks like a row number (it counts up by one)"
    return None


def _counts_up(columns: Columns, name: str) -> bool:
    first = columns.table.column(name)[0].as_py()
    if first is None:
        return False
    for start, values in columns.chunks(name):
        if values.null_count or (values.to_numpy() != np.arange(len(values)) + first + start).any():
            return False
    return True


def is_string(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_picture(kind: pa.DataType) -> bool:
    """Whether a column holds images as bytes, or as the struct that `datasets` writes."""
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return binary or (pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0)


def kinds_by_type(frame: Frame, names: Sequence[str]) -> dict[str, pa.DataType]:
    """Return how features are read: strings as categories, all else as numbers."""
    schema = frame.columns.table.schema
    return {name: pa.string() if is_string(schema.field(name).type) else pa.float64() for name in names}


def project(frame: Frame, kinds: Mapping[str, pa.DataType]) -> Columns:
    """Return a table's features in mapped Arrow, each as the kind asked for: float64, int64 or string.

    Booleans become 0 and 1, dates days since 1970, blank strings missing.

    Raises
    ------
    UserError
        If a number is infinite, or a word stands where a number must; row and column are named.
    """
    source = frame.columns.select(list(kinds))
    schema = pa.schema(list(kinds.items()))

    def batches() -> Iterator[pa.RecordBatch]:
        for start, batch in zip(source.starts, source.batches, strict=False):
            columns = [_feature(frame, int(start), field, batch.column(field.name)) for field in schema]
            yield pa.record_batch(columns, schema=schema)

    return spill(batches(), schema)


def _feature(frame: Frame, start: int, wanted: pa.Field, values: pa.Array) -> pa.Array:
    if wanted.type == pa.string():
        trimmed = pc.utf8_trim_whitespace(values.cast(pa.string()))  # type: ignore[attr-defined]
        return pc.if_else(pc.equal(trimmed, ""), None, trimmed)  # type: ignore[attr-defined]
    if wanted.type == values.type == pa.int64():
        return values
    numbers = _as_float(frame, start, wanted.name, values)
    infinite = np.flatnonzero(np.isinf(numbers.to_numpy(zero_copy_only=False)))
    if len(infinite):
        name = frame.row_names(infinite[:1] + start)[0]
        raise UserError(
            f"The column '{wanted.name}' is infinite in {name}; write a number, or nothing if it is missing."
        )
    return pc.if_else(pc.is_nan(numbers), None, numbers)  # type: ignore[attr-defined]


def _as_float(frame: Frame, start: int, name: str, values: pa.Array) -> pa.Array:
    if pa.types.is_temporal(values.type):
        seconds = values.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
        return pc.divide(seconds.cast(pa.float64()), 86400.0)  # type: ignore[attr-defined]
    if pa.types.is_boolean(values.type):
        return values.cast(pa.int8()).cast(pa.float64())
    try:
        return values.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        row = next(i for i, value in enumerate(values.to_pylist()) if not _is_float(value))
        found, place = values[row].as_py(), frame.row_names(np.array([start + row]))[0]
        raise UserError(f"The column '{name}' holds {found!r} in {place}, but a number is expected.") from None


def _is_float(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return value is None
    return True
