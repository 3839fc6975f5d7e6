"""Unlabelled samples that the caller holds in memory: one thing is one sample, or it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headstart.data import arrays
from headstart.data.frame import Part
from headstart.data.inputs import Arrays, Inputs, Values
from headstart.data.objects import as_items, held, is_series, kind_of
from headstart.errors import UserError

CHANNELS = (1, 3, 4)
"""How many channels a picture of an array may have."""
_FIRST = (1, 3)


def texts(data: Any) -> list[str]:
    """Return the texts: a string is one, a list, a tuple, a Series or an array of strings are several."""
    items = [data] if isinstance(data, str) else as_items(data)
    if items is None:
        raise UserError(f"{kind_of(data)} holds no texts, but the model takes texts; give a string or a list of them.")
    for number, item in enumerate(items, start=1):
        if not isinstance(item, str):
            raise UserError(
                f"Input {number} of {len(items)} is {kind_of(item)}, but the model takes texts; give strings, or "
                "pathlib.Path for files."
            )
    return items


def pictures(data: Any) -> Inputs:
    """Return the pictures: of an array, of a list of arrays, PIL images, or encoded bytes, or of one of these.

    An array [h, w] or [h, w, 1, 3 or 4] is one picture; [n, h, w], [n, h, w, c] and [n, c, h, w] are n. In a list
    every item is one picture, [h, w], [h, w, c] or [c, h, w], each of its own size.

    Raises
    ------
    UserError
        If an array can be read as one picture or as several, is of another shape, or its values are no picture's.
    """
    if isinstance(data, np.ndarray) and data.dtype.kind not in "OUST":
        return _of_array(data)
    items = [data] if _is_one(data) else as_items(data)
    if items is None:
        raise UserError(
            f"{kind_of(data)} holds no pictures; give a path, a PIL image, an array, encoded bytes, or a list of these."
        )
    return Values(picture_list(items), "image")


def picture_list(items: Sequence[Any]) -> list[Any]:
    """Return each of several pictures as a PIL image, an array [h, w] or [h, w, c], or encoded bytes."""
    return [_picture(held(item), f"Input {number} of {len(items)}") for number, item in enumerate(items, start=1)]


def _is_one(data: Any) -> bool:
    return hasattr(data, "getbands") or hasattr(data, "read") or isinstance(data, bytes | bytearray | memoryview)


def _of_array(array: np.ndarray) -> Inputs:
    batch = array[None] if _holds_one(array) else array
    parts = arrays.ArrayParts([Part("image", len(batch))], [batch], [])
    return Arrays([batch], arrays.check_images([batch], parts) if len(batch) else False)


def _holds_one(array: np.ndarray) -> bool:
    shape = array.shape
    if array.ndim == 3 and shape[0] == 3:
        first = "one picture with 3 channels first"
        other = "one with channels last" if shape[2] in CHANNELS else f"{shape[0]} grey pictures"
        raise UserError(
            f"An array of shape {shape} may be {first} or {other}; give [1, {', '.join(map(str, shape))}] for one "
            f"picture, or [n, h, w, 1] for grey ones."
        )
    if array.ndim not in (2, 3, 4):
        raise UserError(
            f"An array of shape {shape} holds no pictures; one picture [h, w] or [h, w, 3], or several [n, h, w] or "
            "[n, h, w, 3], are expected."
        )
    return array.ndim == 2 or (array.ndim == 3 and shape[2] in CHANNELS)


def _picture(item: Any, place: str) -> Any:
    """Return one picture as what `decode_image` takes."""
    if hasattr(item, "getbands"):
        return item
    if hasattr(item, "read"):
        item = item.read()
    if isinstance(item, bytes | bytearray | memoryview):
        return bytes(item)
    if isinstance(item, np.ndarray) and item.dtype.kind in "uifb":
        return _one_array(item, place)
    raise UserError(
        f"{place} is {kind_of(item)}, which is no picture; give PIL images, arrays and encoded bytes, or paths alone."
    )


def _one_array(array: np.ndarray, place: str) -> np.ndarray:
    shape = array.shape
    last = array.ndim == 2 or (array.ndim == 3 and shape[2] in CHANNELS)
    first = array.ndim == 3 and shape[0] in _FIRST
    if last == first and not (array.ndim == 3 and shape[0] == shape[2] == 1):
        fault = "may have its channels first or last" if last else "is not that of one picture"
        raise UserError(f"{place} has the shape {shape}, which {fault}; give [h, w] or [h, w, 3], at least 5 wide.")
    picture = array if last else np.moveaxis(array, 0, -1)
    arrays.require_pixels(picture[None], 0, lambda rows: [place])
    return picture


def row_of(data: Any, names: Sequence[str]) -> list[dict[str, Any]] | dict[str, Any] | None:
    """Return rows by column name: a dict or a Series of values, a list of these, or a dict of columns.

    ``names`` are the columns that the model takes. None for anything else, such as arrays.
    """
    if isinstance(data, Mapping) or is_series(data):
        return _one_or_columns(data, names)
    items: list[Any] = list(data) if isinstance(data, list | tuple) and not _is_named(data) else [data]
    rows: list[Any] = [item._asdict() if _is_named(item) else item for item in items]
    by_name = [isinstance(row, Mapping) or is_series(row) for row in rows]
    if not any(by_name):
        return None
    if not all(by_name):
        odd = by_name.index(False)
        raise UserError(f"Row {odd + 1} of {len(rows)} is {kind_of(rows[odd])}, but others are given by column name.")
    return [_row(row, f"Row {number} of {len(rows)}") for number, row in enumerate(rows, start=1)]


def _is_named(value: Any) -> bool:
    return hasattr(value, "_asdict")


def _one_or_columns(data: Any, names: Sequence[str]) -> list[dict[str, Any]] | dict[str, Any]:
    values = {str(name): value for name, value in dict(data).items()}
    several = [name for name, value in values.items() if _is_column(value)]
    if not several:
        if is_series(data) and names and not set(values) & set(names):
            raise UserError(
                "A Series is one row, and its index names none of the model's columns "
                f"({', '.join(list(names)[:5])}); give a DataFrame."
            )
        return [_row(values, "The row")]
    if len(several) < len(values) or is_series(data):
        lone = next((name for name in values if name not in several), several[0])
        raise UserError(
            f"The dict of columns holds several values of '{several[0]}' but one of '{lone}'; give lists of one length."
        )
    lengths = {len(value) for value in values.values()}
    if len(lengths) > 1:
        raise UserError(f"The columns differ in length ({', '.join(map(str, sorted(lengths)))}); give the same.")
    return values


def _is_column(value: Any) -> bool:
    return isinstance(value, list | tuple) or is_series(value) or (hasattr(value, "__len__") and np.ndim(value) > 0)


def _row(row: Any, place: str) -> dict[str, Any]:
    values = {str(name): value for name, value in dict(row).items()}
    nested = next((name for name, value in values.items() if isinstance(value, Mapping) or _is_column(value)), None)
    if nested is not None:
        raise UserError(f"{place} holds {kind_of(values[nested])} in column '{nested}'; one value is expected.")
    return values


def number_rows(data: Any, names: Sequence[str]) -> np.ndarray:
    """Return rows of numbers [n, columns] from an array, a list of rows, or one row [columns]."""
    array = data if isinstance(data, np.ndarray) else _array(data)
    if array.ndim == 1 and array.dtype.kind in "uifb" and (not names or len(array) == len(names) or len(array) == 0):
        return array[None] if len(array) else array.reshape(0, len(names))
    if array.ndim != 2 or array.dtype.kind not in "uifb":
        many = f"[{len(names)}]" if names else "[columns]"
        words = " of words" if array.dtype.kind in "OUST" else ""
        raise UserError(
            f"Inputs of shape {array.shape}{words} are no rows of numbers; give one row {many}, rows "
            f"[n, {many[1:]}, a DataFrame, or dicts by column name."
        )
    return array


def _array(data: Any) -> np.ndarray:
    try:
        return np.asarray(data)
    except ValueError:
        raise UserError("The rows differ in length; give every row the same columns.") from None
