"""New rows, read with the types of those that a model learned from, by every reader; what drifted is said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.data.arrow import Columns
from headstart.data.arrowtypes import as_words, class_name, is_string
from headstart.data.conventions import DATE, INSTANT, NUMBER, TRUTH, WHOLE, Reading, fits, is_missing, trimmed
from headstart.data.dataset import TableColumns
from headstart.data.drift import drift_warnings
from headstart.data.frame import Frame
from headstart.data.projecting import parsed, project, reading_of
from headstart.data.settling import words

MOST = 0.5
"""From this share of a column on, values that the model cannot use are said."""
_TIMES = ("date", "instant")


def align(frame: Frame, columns: TableColumns) -> tuple[Columns, tuple[str, ...]]:
    """Return the features as the model reads them, and warnings in sentences.

    Numbers in the convention of the model's own data are read so; categories are matched by their text, and where that
    is not known by the number or truth value it stands for (1, 1.0 and "1"; true and "True").

    Raises
    ------
    UserError
        If a word stands where a number must, or a number is too large; row and column are named.
    """
    instead: dict[str, pa.ChunkedArray] = {}
    warnings: list[str] = []
    for name in columns.numeric:
        found, told = _numbers(frame, name, columns.readings.get(name, NUMBER))
        warnings += told
        if found is not None:
            instead[name] = found
    for name, known in columns.categorical.items():
        instead[name] = named(words(frame, name), known)
        warnings += _unknown(frame, name, instead[name], known)
    kinds = dict.fromkeys(columns.numeric, pa.float64()) | dict.fromkeys(columns.categorical, pa.string())
    aligned = project(frame, kinds, instead)
    for name, usual in columns.usual.items():
        warnings += drift_warnings(frame, name, aligned.table.column(name).to_numpy(), usual)
    return aligned, tuple(warnings)


def _numbers(frame: Frame, name: str, learned: Reading) -> tuple[pa.ChunkedArray | None, list[str]]:
    """Return a column of text as numbers where the model's convention decides; and what is odd about the column."""
    own = reading_of(frame, name)
    text = _text_chunks(frame, name)
    if own is None or (text and _styled(learned) and _all_fit(text, learned)):
        tried = dict.fromkeys([learned, NUMBER, TRUTH, DATE, INSTANT])
        reading = next((one for one in tried if _all_fit(text, one)), learned)
        chunks = [parsed(frame, start, name, values, reading) for start, values in text]
        return pa.chunked_array(chunks, pa.float64()), []
    if own is None or pa.types.is_null(frame.columns.table.schema.field(name).type):
        return None, []
    if _styled(own) and own != learned:
        return None, [f"The column '{name}' holds {own.words}, but the model learned from {_what(learned)}."]
    if (own.kind in _TIMES) != (learned.kind in _TIMES) or (own == TRUTH and learned != TRUTH):
        row, example = _first(frame, name)
        return None, [
            f"The column '{name}' is of another type than the model learned from: {_what(own)} ({example} in {row}), "
            f"not {_what(learned)}."
        ]
    return None, []


def _text_chunks(frame: Frame, name: str) -> list[tuple[int, pa.Array]]:
    values = words(frame, name)
    starts = np.cumsum([0] + [len(chunk) for chunk in values.chunks])
    return [(int(start), chunk) for start, chunk in zip(starts, values.chunks, strict=False) if is_string(chunk.type)]


def _all_fit(chunks: list[tuple[int, pa.Array]], reading: Reading) -> bool:
    return all(fits(_present(values), reading) for _, values in chunks)


def _styled(reading: Reading) -> bool:
    return reading.kind == "number" and not reading.is_plain


def _what(reading: Reading) -> str:
    return "plain numbers" if reading.is_plain else reading.words


def _present(values: pa.Array) -> pa.Array:
    return trimmed(values.filter(pc.invert(is_missing(values))))  # type: ignore[attr-defined]


def _first(frame: Frame, name: str) -> tuple[str, str]:
    values = words(frame, name)
    row = int(np.flatnonzero(values.is_valid().to_numpy())[0])
    return frame.row_names(np.array([row]))[0], repr(str(values[row].as_py()))


def named(values: pa.ChunkedArray, known: Sequence[str]) -> pa.ChunkedArray:
    """Return values as the names of known categories where they mean one, and as their own text otherwise."""
    exact, loose = set(known), _by_meaning(known)
    return pa.chunked_array([_named(chunk, exact, loose) for chunk in values.chunks], pa.string())


def _named(values: pa.Array, exact: set[str], loose: dict[str, str]) -> pa.Array:
    encoded = trimmed(as_words(values)).dictionary_encode()
    names = [
        name if name is None or name in exact else loose.get(meaning(name), name)
        for name in encoded.dictionary.to_pylist()
    ]
    return pa.array(names, pa.string()).take(encoded.indices)


def _by_meaning(known: Sequence[str]) -> dict[str, str]:
    """Return what known names mean; a meaning that two of them share decides nothing."""
    found: dict[str, str] = {}
    twice = set()
    for name in known:
        key = meaning(name)
        if key in found:
            twice.add(key)
        found[key] = name
    return {key: name for key, name in found.items() if key not in twice}


def meaning(name: str) -> str:
    """Return the plain number or truth value that a name stands for, else the name."""
    text = pa.array([name])
    if fits(text, WHOLE) or fits(text, NUMBER):
        return class_name(float(name)) if not fits(text, WHOLE) else str(int(name))
    return name.lower() if fits(text, TRUTH) else name


def _unknown(frame: Frame, name: str, values: pa.ChunkedArray, known: Sequence[str]) -> list[str]:
    """Say where most values of a column are categories that the model does not know."""
    present = values.is_valid().to_numpy()
    strange = present & ~pc.is_in(values, value_set=pa.array(list(known), pa.string())).to_numpy()  # type: ignore[attr-defined]
    strange &= ~pc.equal(values, "").fill_null(False).to_numpy()  # type: ignore[attr-defined]
    rows = np.flatnonzero(strange)
    if not len(rows) or len(rows) <= MOST * present.sum():
        return []
    shown = ", ".join(f"'{one}'" for one in known[:3]) + (", ..." if len(known) > 3 else "")
    return [
        f"The column '{name}' has {len(rows)} of {int(present.sum())} values that the model does not know, first "
        f"'{values[int(rows[0])].as_py()}' in {frame.row_names(rows[:1])[0]} (it knows {shown or 'none'}); they count "
        "as missing."
    ]
