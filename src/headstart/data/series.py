"""One column of a DataFrame as Arrow; what Arrow does not know is read by a rule, or named."""

from __future__ import annotations

import numbers
from typing import Any

import pyarrow as pa

from headstart.data.arrowtypes import class_name
from headstart.data.conventions import MISSING, NUMBER, fits
from headstart.errors import UserError


def column(values: Any, name: str) -> tuple[pa.Array | pa.ChunkedArray, bool]:
    """Return a pandas Series as Arrow, and whether its type says that it holds categories.

    Periods become the time they begin at, intervals and categories of any kind their names, sparse columns dense ones;
    numbers beside strings become text.

    Raises
    ------
    UserError
        If the column holds complex numbers or objects of other kinds; it is named.
    """
    kind = str(getattr(values, "dtype", ""))
    if kind == "category":
        categories = [class_name(category) for category in values.cat.categories]
        return pa.array([categories[code] if code >= 0 else None for code in values.cat.codes], pa.string()), True
    if kind.startswith("interval"):
        return pa.array([None if value != value else str(value) for value in values], pa.string()), True
    if kind.startswith("period"):
        values = values.dt.to_timestamp()
    elif kind.startswith("Sparse"):
        values = values.sparse.to_dense()
    try:
        return pa.Array.from_pandas(values), False
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        return _mixed(values, name, error), False


def _mixed(values: Any, name: str, error: Exception) -> pa.Array:
    """Read numbers beside strings, where the strings are numbers or spellings of missing ones, as text."""
    texts = [_text(value) for value in values]
    strange = [(row, value) for row, (value, text) in enumerate(zip(values, texts, strict=True), 1) if text is None]
    if strange:
        row, value = strange[0]
        kind = "mixed types" if isinstance(value, str) else f"the type {type(value).__name__}"
        raise UserError(
            f"The DataFrame has a column of {kind} ('{name}': {_shown(value)} in row {row}; {_first_line(error)}); "
            "make it numbers, dates or strings, or drop it."
        ) from None
    return pa.array([text or None for text in texts], pa.string())


def _shown(value: Any) -> str:
    return " ".join(repr(value).split())[:60]


def _text(value: Any) -> str | None:
    """Return a cell as text, "" where it is missing; None for what is neither number nor a spelling of one."""
    if value is None or _is_missing(value):
        return ""
    if isinstance(value, str):
        plain = pa.array([value.strip()])
        return value if value.strip().lower() in MISSING or fits(plain, NUMBER) else None
    return class_name(value) if isinstance(value, numbers.Real) else None


def _is_missing(value: Any) -> bool:
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas.NA, arrays
        return type(value).__name__ == "NAType"


def _first_line(error: Exception) -> str:
    return str(error.args[0] if error.args else error).splitlines()[0][:120]
