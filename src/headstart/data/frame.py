"""A table before its columns have a meaning: what every reader of tables gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from headstart.data.arrow import Columns
from headstart.data.conventions import Reading
from headstart.data.limits import require_columns
from headstart.errors import UserError


@dataclass(frozen=True)
class Part:
    """Rows from one file or array, the split they were given as, if any, and the number the first row goes by."""

    label: str
    rows: int
    split: str | None = None
    first: int = 1


@dataclass(frozen=True)
class Frame:
    """Columns in mapped Arrow, the parts they came in, and what the data say about themselves.

    Parameters
    ----------
    base : folder that image paths in the table are relative to.
    class_names : column to the names of its class numbers, where the data bring them.
    notes : what was concluded while reading, in sentences.
    keep_all : whether every column is wanted as a feature (arrays), even one that looks like an identifier.
    text : the columns that came as text, as they came, whatever ``columns`` made of them.
    readings : columns of numbers that came as text, and how they were read.
    declared : whether the reader knows types, so that what it calls text was meant as text.
    warnings : what the user should know though nothing stops, in sentences.
    indexes : columns that only number or name the rows, as the file itself says.
    """

    columns: Columns
    parts: list[Part]
    base: Path = Path()
    class_names: Mapping[str, list[str]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    keep_all: bool = False
    text: Columns | None = None
    readings: Mapping[str, Reading] = field(default_factory=dict)
    declared: bool = False
    warnings: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()

    def row_names(self, rows: np.ndarray) -> list[str]:
        """Name rows by their part: ``reviews.csv row 17``; the header of a CSV file is row 1, as in a spreadsheet."""
        return name_rows(self.parts, rows)


def name_rows(parts: list[Part], rows: np.ndarray) -> list[str]:
    starts = np.cumsum([0] + [part.rows for part in parts])
    place = np.searchsorted(starts, rows, side="right") - 1
    return [
        f"{parts[p].label} row {row - starts[p] + parts[p].first}".strip() for p, row in zip(place, rows, strict=True)
    ]


def require_unique(names: list[str], place: str) -> None:
    """Refuse a header with the same name twice, too many names or too long ones."""
    require_columns(names, place)
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise UserError(f"{place} has the column '{twice[0]}' more than once; give every column its own name.")


def require_same_columns(schemas: dict[str, list[str]]) -> None:
    """Refuse files that are read as one table but have different columns."""
    (first, names), *others = schemas.items()
    for label, found in others:
        different = sorted(set(names) ^ set(found))
        if different:
            raise UserError(f"{first} and {label} differ in the columns {', '.join(different)}; give them the same.")


def as_values(schema: pa.Schema) -> pa.Schema:
    """Return the schema with dictionary columns as what they hold: categories travel as values."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in schema
    ]
    return pa.schema(fields)


def categories_of(schema: pa.Schema) -> frozenset[str]:
    """Return the dictionary columns: their type says that they hold categories, whatever these are called."""
    return frozenset(field.name for field in schema if pa.types.is_dictionary(field.type))
