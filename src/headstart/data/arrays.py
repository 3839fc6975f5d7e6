"""Arrays in memory or in a ``.npz`` file, in the layout of the keys x, y or x_train, y_train, x_test, y_test."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headstart.data.arrow import Columns, spill
from headstart.data.frame import Frame, Part, name_rows
from headstart.data.limits import most_unpacked, require_columns, too_packed
from headstart.data.objects import held, is_series, kind_of
from headstart.errors import UserError
from headstart.scratch import scratch_folder

_PARTS = {"": None, "_train": "train", "_val": "validation", "_validation": "validation", "_test": "test"}
_ROWS = 1024


@dataclass(frozen=True)
class ArrayParts:
    """Inputs and labels of each part, in the order train, validation, test."""

    parts: list[Part]
    x: list[Any]
    y: list[Any]
    classes: list[str] | None = None

    def row_names(self, rows: np.ndarray) -> list[str]:
        return name_rows(self.parts, rows)


def read_pair(data: tuple[Any, ...]) -> ArrayParts:
    """Take ``(X, y)``."""
    if len(data) != 2:
        raise UserError(f"A tuple of {len(data)} was given; (X, y), inputs and labels, is expected.")
    return _collect({"x": data[0], "y": data[1]}, "(X, y)")


def read_mapping(data: Mapping[str, Any], place: str = "The dict of arrays") -> ArrayParts:
    """Take a dict with the keys x and y, or x_train, y_train and the like."""
    return _collect({_key(str(key).lower()): value for key, value in data.items()}, place)


def _key(name: str) -> str:
    """Return ``x_train`` for ``train_images``, as MedMNIST calls it."""
    part, _, what = name.partition("_")
    return {"images": f"x_{part}", "labels": f"y_{part}"}.get(what, name)


def read_npz(path: Path) -> ArrayParts:
    """Map the arrays of a ``.npz`` file, unpacked beside each other on disk; pickled objects are refused."""
    arrays: dict[str, np.ndarray] = {}
    with scratch_folder() as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                if sum(member.file_size for member in archive.infolist()) > most_unpacked(path.stat().st_size):
                    raise UserError(too_packed(path))
                for member in archive.namelist():
                    arrays[member.removesuffix(".npy")] = _map_array(archive, member, str(folder))
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:  # the last: encrypted
            raise UserError(f"{path} is no readable .npz file ({error}).") from error
        except (ValueError, TypeError, SyntaxError, KeyError) as error:
            raise UserError(f"{path} holds Python objects or damaged arrays ({error}); save plain arrays.") from error
    return read_mapping(arrays, str(path))


def _map_array(archive: zipfile.ZipFile, member: str, folder: str) -> np.ndarray:
    if not member.endswith(".npy"):
        raise ValueError(f"'{member[:60]}' is no array")
    extracted = archive.extract(member, folder)
    return np.lib.format.open_memmap(extracted, mode="r")


def _collect(data: Mapping[str, Any], place: str) -> ArrayParts:
    data = {name: _sized(value, name, place) if name[:1] in ("x", "y") else value for name, value in data.items()}
    inputs = {suffix: data[f"x{suffix}"] for suffix in _PARTS if f"x{suffix}" in data}
    if not inputs:
        known = ", ".join(data)
        raise UserError(f"{place} has the keys {known}; x and y, or x_train, y_train, x_test, y_test are expected.")
    lacking = [f"y{suffix}" for suffix in inputs if f"y{suffix}" not in data]
    if lacking:
        raise UserError(f"{place} has no labels '{lacking[0]}'; give labels for every part.")
    parts, labels = [], []
    for suffix, x in inputs.items():
        y = data[f"y{suffix}"]
        if len(x) != len(y):
            raise UserError(
                f"{place} has {len(x)} inputs x{suffix} but {len(y)} labels y{suffix}; give one label each."
            )
        parts.append(Part(f"x{suffix}" if suffix else "", len(x), _PARTS[suffix]))
        labels.append(y)
    if not sum(part.rows for part in parts):
        raise UserError(f"{place} has no samples.")
    names = data.get("classes")
    if names is not None and np.ndim(names) != 1:
        raise UserError(
            f"{place} has classes of {np.ndim(names)} dimensions; give one name per class, or leave them out."
        )
    return ArrayParts(parts, list(inputs.values()), labels, None if names is None else [str(n) for n in names])


def _sized(value: Any, name: str, place: str) -> Any:
    """Return tensors as arrays, Series and iterators as lists; refuse what has no rows."""
    value = held(value)
    if name.startswith("x") and is_series(value):
        value = value.to_list()
    one = isinstance(value, str | bytes | Mapping) or (isinstance(value, np.ndarray) and value.ndim == 0)
    try:
        if not one and len(value) >= 0:
            return value
    except TypeError:
        pass
    hint = "; give X.toarray()" if hasattr(value, "toarray") else "; give one row per sample"
    raise UserError(f"{place} has {kind_of(value)} as {name}, which has no rows{hint}.")


def modality_of(x: Any) -> tuple[str, str]:
    """Return the modality of inputs and the reason; what they hold decides."""
    if isinstance(x, np.ndarray) and x.ndim in (3, 4) and x.dtype.kind in "uifb":
        return "image", f"an array of shape {x.shape} holds images"
    if _first_is(x, str):
        return "text", "the inputs are strings"
    if hasattr(_first(x), "getbands"):
        return "image", "the inputs are PIL images"
    if isinstance(x, list | tuple) and np.ndim(held(_first(x))) in (2, 3) and isinstance(held(_first(x)), np.ndarray):
        return "image", "the inputs are arrays of pictures"
    if isinstance(_first(x), bytes) and not isinstance(x, np.ndarray):
        return "image", "the inputs are encoded pictures"
    try:
        array = np.asarray(x)
    except ValueError:
        raise UserError("The inputs differ in shape; give rows of equal length, or a list of pictures.") from None
    if array.ndim == 2 and array.dtype.kind in "uifb":
        return "table", f"an array of shape {array.shape} holds rows of numbers"
    raise UserError(
        f"Inputs of shape {array.shape} and type {array.dtype} are not understood; give numbers [n, columns], images "
        "[n, h, w] or [n, h, w, 3], or strings."
    )


def _first(x: Any) -> Any:
    return x[0] if len(x) else None


def _first_is(x: Any, kind: type) -> bool:
    return (not isinstance(x, np.ndarray) or x.ndim == 1) and isinstance(_first(x), kind)


def check_images(arrays: Sequence[np.ndarray], names: ArrayParts) -> bool:
    """Return whether channels come first; refuse other shapes, and values that are no image."""
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1:
        raise UserError(f"The arrays of images differ in shape ({', '.join(map(str, shapes))}); give them the same.")
    (shape,) = shapes
    last = len(shape) == 2 or shape[2] in (1, 3, 4)
    if last and len(shape) == 3 and shape[0] in (1, 3) and shape != (1, 1, 1):
        raise UserError(f"Images of shape {shape} may have their channels first or last; give sides of at least 5.")
    if not last and shape[0] not in (1, 3):
        raise UserError(
            f"Images of shape {shape} are not understood; [h, w], [h, w, 1], [h, w, 3] or [h, w, 4] is expected."
        )
    start = 0
    for array in arrays:
        for low in range(0, len(array), _ROWS):
            require_pixels(array[low : low + _ROWS], start + low, names.row_names)
        start += len(array)
    return not last


def require_pixels(chunk: np.ndarray, start: int, names: Callable[[np.ndarray], list[str]]) -> None:
    """Refuse values that are no picture's in pictures [n, h, w, ...], the first of which is row ``start``."""
    if 0 in chunk.shape[1:]:
        raise UserError(f"The images of shape {chunk.shape[1:]} have no pixels; give at least one.")
    if chunk.dtype.kind not in "uifb":
        raise UserError(f"Images of type {chunk.dtype} are not read; give whole numbers 0 to 255 or floats 0 to 1.")
    flat = chunk.reshape(len(chunk), -1)
    top = 1 if chunk.dtype.kind in "fb" else 65535 if chunk.dtype == np.uint16 else 255
    low, high = flat.min(axis=1), flat.max(axis=1)
    bad = np.flatnonzero(~((low >= 0) & (high <= top)))  # NaN is neither
    if len(bad):
        name = names(bad[:1] + start)[0]
        raise UserError(
            f"The image {name} holds values from {low[bad[0]]} to {high[bad[0]]}, but 0 to {top} is expected of "
            f"{chunk.dtype}; scale the array."
        )


def number_frame(arrays: ArrayParts) -> Frame:
    """Return rows of numbers as a frame with the columns x0, x1, ... ; every column is a feature."""
    widths = {np.shape(x)[1] for x in arrays.x}
    if len(widths) > 1:
        raise UserError(f"The arrays differ in their number of columns ({', '.join(map(str, sorted(widths)))}).")
    names = [f"x{i}" for i in range(widths.pop())]
    require_columns(names, "The array")
    if not names:
        raise UserError("The array has rows but no columns; give at least one.")
    schema = pa.schema([(name, pa.float64()) for name in names])

    def batches() -> Iterator[pa.RecordBatch]:
        for x in arrays.x:
            for start in range(0, len(x), _ROWS):
                chunk = np.asarray(x[start : start + _ROWS], dtype=np.float64)
                yield pa.record_batch([pa.array(column) for column in chunk.T.copy()], schema=schema)

    return Frame(spill(batches(), schema), arrays.parts, keep_all=True)


def text_columns(arrays: ArrayParts) -> Columns:
    """Return strings as a mapped column; a lone surrogate, which is no character, is an error that names its row."""
    schema = pa.schema([("text", pa.string())])

    def batches() -> Iterator[pa.RecordBatch]:
        before = 0
        for x in arrays.x:
            for start in range(0, len(x), _ROWS):
                rows = np.arange(before + start, before + min(start + _ROWS, len(x)))
                texts = [
                    _text(text, arrays, int(row)) for text, row in zip(x[start : start + _ROWS], rows, strict=True)
                ]
                try:
                    yield pa.record_batch([pa.array(texts, pa.string())], schema=schema)
                except UnicodeEncodeError:
                    odd = [row for row, text in zip(rows, texts, strict=True) if text and has_surrogate(text)]
                    raise UserError(surrogate(arrays.row_names(np.array(odd[:1]))[0])) from None
            before += len(x)

    return spill(batches(), schema)


def _text(value: Any, arrays: ArrayParts, row: int) -> str | None:
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and value != value):
        return None
    name = arrays.row_names(np.array([row]))[0]
    raise UserError(f"The input {name} is {kind_of(value)} among texts; give strings, and None where one is missing.")


def has_surrogate(text: str) -> bool:
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def surrogate(place: str) -> str:
    """Say that a text holds half of a character."""
    return f"{place} holds a lone surrogate (half of a UTF-16 character), which is no text; correct or remove it."


def label_columns(arrays: ArrayParts) -> dict[str, pa.ChunkedArray]:
    """Return labels as Arrow columns: one for [n] or [n, 1], one per output for [n, k], lists as lists."""
    labels = [_plain(y) for y in arrays.y]
    widths = {1 if y.ndim == 1 else y.shape[1] for y in labels}
    if len(widths) > 1 or any(y.ndim > 2 for y in labels):
        raise UserError(f"Labels of the shapes {', '.join(str(y.shape) for y in labels)} do not fit together.")
    width = widths.pop()
    if width == 1:
        return {"y": _column([y.reshape(len(y)) for y in labels])}
    names = arrays.classes if arrays.classes and len(arrays.classes) == width else [f"y{i}" for i in range(width)]
    return {name: _column([y[:, i] for y in labels]) for i, name in enumerate(names)}


def _plain(y: Any) -> np.ndarray:
    if not isinstance(y, np.ndarray) and any(isinstance(row, list | tuple | set) for row in y):
        lengths = {len(row) for row in y}
        numbers = all(isinstance(item, int | float) for row in y for item in row)
        if len(lengths) > 1 or not numbers:
            array = np.empty(len(y), object)
            array[:] = [list(row) for row in y]
            return array
    try:
        return np.asarray(y)
    except ValueError:
        raise UserError("The labels differ in shape; give one label, or one list of labels, per sample.") from None


def _column(parts: list[np.ndarray]) -> pa.ChunkedArray:
    try:
        return pa.chunked_array([_arrow(part) for part in parts])
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise UserError(f"The labels are of mixed types ({error}); give them one type.") from None


def _arrow(part: np.ndarray) -> pa.Array:
    if part.dtype == object and any(isinstance(row, list) for row in part):
        return pa.array([[str(item) for item in row] for row in part], pa.list_(pa.string()))
    return pa.array(part.tolist() if part.dtype.kind in "US" else part, from_pandas=True)
