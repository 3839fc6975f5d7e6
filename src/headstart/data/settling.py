"""From what a reader found to columns with a meaning: types by rule, text by the convention that all of it follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.data.arrow import Columns, spill
from headstart.data.arrowtypes import as_words, is_settled, settled
from headstart.data.controls import control_warnings
from headstart.data.conventions import (
    LEADING_ZEROS,
    NUMBER,
    STYLES,
    WHOLE,
    Reading,
    candidates,
    fits,
    fitting,
    is_missing,
    read,
    trimmed,
)
from headstart.data.frame import Frame
from headstart.errors import UserError

CODES = "whole numbers as text, read as categories, as their type says"
NEARLY = 0.5
"""A column is nearly one of numbers if at least this share of its texts are numbers."""


def settle(frame: Frame, *, declared: bool, categories: frozenset[str] = frozenset()) -> Frame:
    """Return the frame with settled types; text that is numbers, dates, or true and false becomes so.

    Parameters
    ----------
    declared : whether the reader knows types (Parquet, JSON lines, DataFrames): a column that it calls text, and that
        holds plain whole numbers which repeat, is one of codes and stays text.
    categories : columns that are categories because the reader says so.
    """
    frame = _with_types(frame, categories)
    table = frame.columns.table
    texts = [f.name for f in table.schema if f.type == pa.string() and f.name not in categories]
    if not texts:
        return frame
    controls = control_warnings(frame, texts)
    studies = {name: study(frame, name) for name in texts}
    _agree(list(studies.values()))
    for name, found in studies.items():
        if declared and found.reading == WHOLE and _are_codes(frame, name, found):
            studies[name] = replace(found, left=[], note=CODES)
    typed = {name: found for name, found in studies.items() if found.reading is not None or not found.present}
    readings = {name: found.reading for name, found in typed.items() if found.reading is not None}
    text = frame.columns.select(texts)
    columns = _replaced(frame.columns, _typed(text, typed))
    notes = dict(frame.notes)
    for key, told in _notes(studies).items():
        notes[key] = f"{notes[key]}; {told}" if key in notes else told
    warnings = [*frame.warnings, *controls, *(found.warning for found in studies.values() if found.warning)]
    return replace(
        frame, columns=columns, text=text, readings=readings, notes=notes, warnings=tuple(warnings), declared=declared
    )


@dataclass
class Study:
    """What a column of text may be.

    Attributes
    ----------
    left : readings that all its texts allow, in the order of preference. present : texts that are not missing.
    marks : spellings of missing that are not simply empty.
    """

    name: str
    left: list[Reading] = field(default_factory=list)
    present: int = 0
    marks: int = 0
    note: str = ""
    warning: str = ""

    @property
    def reading(self) -> Reading | None:
        return self.left[0] if self.left else None


def study(frame: Frame, name: str) -> Study:
    """Look at all texts of a column; name the first that keeps the column from being numbers."""
    found, tried, overlong = Study(name), False, False
    for _, values in frame.columns.chunks(name):
        missing = is_missing(values)
        found.marks += pc.sum(pc.and_(missing, pc.is_valid(values))).as_py() or 0  # type: ignore[attr-defined]
        present = trimmed(values.filter(pc.invert(missing)))  # type: ignore[attr-defined]
        found.present += len(present)
        if not len(present):
            continue
        if not tried:
            found.left, tried = candidates(present[0].as_py()), True
        found.left, long = _remaining(present, found.left)
        overlong = overlong or long
        if not found.left:
            break
    if not tried and pc.count_distinct(frame.columns.table.column(name)).as_py() > 1:  # type: ignore[attr-defined]
        return replace(found, present=1)  # such as "none" and "unknown": words that differ
    if found.left or not tried:
        return found
    if overlong:
        return replace(found, note="whole numbers too long to be counted with, read as text")
    return _explained(frame, found)


def _remaining(present: pa.Array, left: list[Reading]) -> tuple[list[Reading], bool]:
    """Return the readings that fit; and whether whole numbers are too long to be any."""
    kept = [reading for reading in left if fits(present, reading)]
    if WHOLE in left and WHOLE not in kept and pc.all(fitting(present, WHOLE)).as_py():  # type: ignore[attr-defined]
        return [], True
    return kept, False


def _agree(studies: list[Study]) -> None:
    """Where one column's numbers can only have a decimal comma, `1,890` and `1.890` of the others follow it."""
    commas = [s for s in studies if s.left and all(reading.decimal == "," for reading in s.left)]
    if not commas:
        return
    for found in studies:
        if found.reading is not None and found.reading.kind == "number":
            found.left.sort(key=lambda reading: reading.decimal != ",")


def _are_codes(frame: Frame, name: str, found: Study) -> bool:
    values = frame.columns.table.column(name)
    return not found.marks and pc.count_distinct(values).as_py() * 2 <= found.present  # type: ignore[attr-defined]


def _explained(frame: Frame, found: Study) -> Study:
    """Say what keeps a column that is nearly numbers from being them."""
    tally = _Tally()
    for start, values in frame.columns.chunks(found.name):
        tally.add(start, values)
        if tally.present >= 200 and tally.best()[1] < NEARLY * tally.present / 2:
            return found
    reading, count = tally.best()
    if count < NEARLY * tally.present or reading is None:
        zeros = tally.zeros == tally.present and tally.present
        return replace(found, note="numbers with leading zeros, read as text") if zeros else found
    row, value = tally.strays[reading]
    if tally.zeros and count + tally.zeros == tally.present:
        return replace(found, note=f"numbers with leading zeros ({value!r} in {_row(frame, row)}), read as text")
    others = tally.present - count
    return replace(
        found,
        warning=f"The column '{found.name}' is not read as numbers, though {count} of its {tally.present} values are "
        f"{reading.words if not reading.is_plain else 'some'}: {value!r} in {_row(frame, row)} is none"
        f"{f', nor are {others - 1} others' if others > 1 else ''}; mend or empty such cells.",
    )


def _row(frame: Frame, row: int) -> str:
    return frame.row_names(np.array([row]))[0]


class _Tally:
    """Counts of texts that could be read in each way, and the first that could not."""

    def __init__(self) -> None:
        self.present = self.zeros = 0
        self.counts: dict[Reading, int] = {}
        self.strays: dict[Reading, tuple[int, str]] = {}

    def add(self, start: int, values: pa.Array) -> None:
        rows = np.flatnonzero(~is_missing(values).to_numpy(zero_copy_only=False))
        present = trimmed(values.take(pa.array(rows)))
        self.present += len(present)
        self.zeros += pc.sum(pc.match_substring_regex(present, LEADING_ZEROS)).as_py() or 0  # type: ignore[attr-defined]
        for reading in self._readings(present):
            good = fitting(present, reading).to_numpy(zero_copy_only=False)
            self.counts[reading] = self.counts.get(reading, 0) + int(good.sum())
            bad = np.flatnonzero(~good)
            if len(bad) and reading not in self.strays:
                self.strays[reading] = (start + int(rows[bad[0]]), present[int(bad[0])].as_py())

    def _readings(self, present: pa.Array) -> list[Reading]:
        if not self.counts:
            found = dict.fromkeys([NUMBER, *STYLES])
            for value in present.slice(0, 50).to_pylist():
                found |= dict.fromkeys(reading for reading in candidates(value) if reading.affix)
            self.counts = dict.fromkeys(found, 0)
        return list(self.counts)

    def best(self) -> tuple[Reading | None, int]:
        reading = max(self.counts, key=lambda one: self.counts[one], default=None)
        return reading, self.counts.get(reading, 0) if reading else 0


def _with_types(frame: Frame, categories: frozenset[str]) -> Frame:
    """Settle the types of columns that a reader gave."""
    changed, told = {}, []
    for name in frame.columns.names:
        values = frame.columns.table.column(name)
        if is_settled(values.type) and name not in categories:
            continue
        try:
            changed[name], note = settled(values)
            if name in categories and changed[name].type != pa.string():
                changed[name], note = as_words(changed[name]), f"categories, of type {values.type}"
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError) as error:
            raise UserError(
                f"The column '{name}' of type {values.type} cannot be read ({str(error).splitlines()[0]}); convert it "
                "to numbers or text, or take it out."
            ) from None
        if note:
            told.append(f"column '{name}' holds {note}")
    if not changed:
        return frame
    notes = frame.notes | ({"types": "; ".join(told)} if told else {})
    return replace(frame, columns=_replaced(frame.columns, changed), notes=notes)


def _replaced(columns: Columns, others: dict[str, pa.ChunkedArray]) -> Columns:
    table = columns.table
    for name, values in others.items():
        table = table.set_column(table.column_names.index(name), pa.field(name, values.type), values)
    return Columns(table)


def _typed(text: Columns, studies: dict[str, Study]) -> dict[str, pa.ChunkedArray]:
    if not studies:
        return {}
    schema = pa.schema([(name, found.reading.type if found.reading else pa.null()) for name, found in studies.items()])

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in text.batches:
            yield pa.record_batch([_read(batch.column(n), s.reading) for n, s in studies.items()], schema=schema)

    found = spill(batches(), schema).table
    return {name: found.column(name) for name in schema.names}


def _read(values: pa.Array, reading: Reading | None) -> pa.Array:
    if reading is None:
        return pa.nulls(len(values))
    return read(pc.if_else(is_missing(values), None, trimmed(values)), reading)  # type: ignore[attr-defined]


def _notes(studies: dict[str, Study]) -> dict[str, str]:
    """Say which columns follow a convention of their own, and which stay text though they look like numbers."""
    styled = {
        name: found.reading.words
        for name, found in studies.items()
        if found.reading is not None and found.reading.kind == "number" and not found.reading.is_plain
    }
    noted = {name: found.note for name, found in studies.items() if found.note}
    notes = {}
    if styled:
        notes["conventions"] = "; ".join(f"column '{name}' holds {words}" for name, words in styled.items())
    if noted:
        notes["text"] = "; ".join(f"column '{name}' holds {note}" for name, note in noted.items())
    return notes


def words(frame: Frame, name: str) -> pa.ChunkedArray:
    """Return a column's own text where it came as text; else as it is."""
    if frame.text is not None and name in frame.text.names:
        return frame.text.table.column(name)
    return frame.columns.table.column(name)
