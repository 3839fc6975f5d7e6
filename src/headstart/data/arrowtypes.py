"""Every Arrow type as one of a few: integers, float64, booleans, timestamps, strings; all else stays, and is named."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_DAY = {"s": 86400.0, "ms": 86400e3, "us": 86400e6, "ns": 86400e9}
_PICTURES = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"\x00\x00\x01\x00",
    b"P6",
    b"P5",
)


def is_string(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def is_picture(kind: pa.DataType) -> bool:
    """Whether a column holds images as bytes, or as the struct that `datasets` writes."""
    return is_bytes(kind) or (pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0)


def is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def is_feature(kind: pa.DataType) -> bool:
    """Whether a settled column can be a feature of a table."""
    return is_string(kind) or is_number(kind) or pa.types.is_boolean(kind) or pa.types.is_timestamp(kind)


def is_settled(kind: pa.DataType) -> bool:
    """Whether a type needs no change."""
    small = pa.types.is_integer(kind) and not pa.types.is_uint64(kind)
    return (
        small or kind in (pa.null(), pa.bool_(), pa.string(), pa.float32(), pa.float64(), pa.timestamp("us"))
        or (pa.types.is_nested(kind) and not isinstance(kind, pa.BaseExtensionType))
    )  # fmt: skip


def stored(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return what an extension type, or runs of equal values, stand for."""
    while isinstance(values.type, pa.BaseExtensionType):
        kind = values.type.storage_type
        values = pa.chunked_array([chunk.storage for chunk in values.chunks], kind)
    if pa.types.is_run_end_encoded(values.type):
        kind = values.type.value_type
        values = pa.chunked_array([pc.run_end_decode(chunk) for chunk in values.chunks], kind)  # type: ignore[attr-defined]
    return values


def settled(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str]:
    """Return a column as a settled type where there is a rule, and what was done, in words (empty: nothing to tell).

    Raises
    ------
    pyarrow.ArrowInvalid
        If a value lies beyond what the settled type can hold.
    """
    values = stored(values)
    kind = values.type
    if is_settled(kind):
        return values, ""
    if is_string(kind):
        return values.cast(pa.string()), ""
    if pa.types.is_dictionary(kind):
        return _categories(values), "" if is_string(kind.value_type) else f"categories, as its type {kind} says"
    if pa.types.is_uint64(kind):
        return _unsigned(values)
    if pa.types.is_float16(kind):
        return values.cast(pa.float64()), ""
    if pa.types.is_decimal(kind):
        whole = kind.scale == 0 and kind.precision <= 18
        return values.cast(pa.int64() if whole else pa.float64()), ""
    if is_bytes(kind):
        return _bytes(values)
    return _times(values)


def _times(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str]:
    kind = values.type
    if pa.types.is_timestamp(kind):
        zone = f"instants of the zone {kind.tz}, as UTC" if kind.tz else ""
        return values.cast(pa.timestamp("us", kind.tz), safe=kind.unit != "ns").cast(pa.timestamp("us")), zone
    if pa.types.is_date(kind):
        return values.cast(pa.timestamp("us")), ""
    if pa.types.is_duration(kind):
        return _days(values.cast(pa.int64()), kind.unit), "durations, as days"
    if pa.types.is_time(kind):
        whole = values.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
        return _days(whole, kind.unit), "times, as shares of a day"
    return values, ""


def _days(whole: pa.ChunkedArray, unit: str) -> pa.ChunkedArray:
    return pc.divide(whole.cast(pa.float64(), safe=False), _DAY[unit])  # type: ignore[attr-defined]


def _unsigned(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str]:
    largest = pc.max(values).as_py()  # type: ignore[attr-defined]
    if largest is None or largest < 2**63:
        return values.cast(pa.int64()), ""
    return as_words(values), "text: its whole numbers are too long to be counted with"


def _bytes(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str]:
    """Bytes that begin like no picture and are UTF-8 throughout are text, as some writers of Parquet mark it."""
    some = values.slice(0, 1000).drop_null().slice(0, 20).to_pylist()
    if not some or any(begins_like_picture(value) or b"\x00" in value for value in some):
        return values, ""
    try:
        return values.cast(pa.string()), "text: its bytes are UTF-8"
    except pa.ArrowInvalid:
        return values, ""


def begins_like_picture(content: bytes | None) -> bool:
    """Whether bytes begin as files of pictures do; no bytes are a picture elsewhere."""
    return content is None or content.startswith(_PICTURES) or content[4:8] in (b"ftyp", b"jP  ")


def _categories(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type.value_type
    if is_string(kind):
        return values.cast(kind).cast(pa.string())
    return as_words(values.cast(kind) if not pa.types.is_nested(kind) else pa.chunked_array(
        [chunk.dictionary_decode() for chunk in values.chunks], kind))  # fmt: skip


def as_words(values: Any) -> Any:
    """Return numbers, booleans or dates as the names that classes of them would have."""
    if isinstance(values, pa.ChunkedArray):
        return pa.chunked_array([as_words(chunk) for chunk in values.chunks], pa.string())
    if is_string(values.type):
        return values.cast(pa.string())
    try:
        encoded = values.dictionary_encode()
    except pa.ArrowNotImplementedError:
        return pa.array([None if value is None else class_name(value) for value in values.to_pylist()], pa.string())
    names = [None if value is None or value != value else class_name(value) for value in encoded.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(encoded.indices)


def class_name(value: Any) -> str:
    """Return the name of a class: whole numbers without a point, days without a time."""
    if isinstance(value, float | np.floating) and math.isfinite(value) and value == int(value):
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time() and value.tzinfo is None:
        return value.date().isoformat()
    return str(value)
