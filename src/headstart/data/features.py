"""The features of a table: which columns are some. Indexes, row numbers, identifiers and empty columns are none."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headstart.data.arrowtypes import is_feature, is_number, is_string
from headstart.data.frame import Frame
from headstart.errors import UserError

_COUNTER_ROWS = 20
_INDEX_NAME = re.compile(r"__index_level_\d+__$|Unnamed: \d+$|level_\d+$")


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
    if name in frame.indexes or _INDEX_NAME.match(name):
        return "is an index (it names the rows)"
    if pa.types.is_null(kind) or values.null_count == len(values):
        return "is empty"
    if not is_feature(kind):
        return f"holds {kind} values"
    if frame.keep_all:
        return None
    if is_string(kind):
        distinct = pc.count_distinct(values).as_py()  # type: ignore[attr-defined]
        same = len(values) > 2 and distinct == len(values) - values.null_count
        return "looks like an identifier (all its strings differ)" if same else None
    if is_number(kind) and len(values) >= _COUNTER_ROWS and _numbers_rows(values):
        return "looks like a row number (all its values are different whole numbers, close together)"
    return None


def _numbers_rows(values: pa.ChunkedArray) -> bool:
    """Whether whole numbers are such as only counting gives: all different though few numbers lie between them.

    Of n draws from a range of r whole numbers n² / 2r coincide; none where 10 are expected is no chance (p < 1e-4).
    Sorted or shuffled, counted from anywhere, up or down, with gaps: rows that were numbered and then sampled.
    """
    if values.null_count:
        return False
    numbers = values.to_numpy().astype(np.float64)
    if not np.isfinite(numbers).all() or (numbers != np.rint(numbers)).any():
        return False
    width = numbers.max() - numbers.min() + 1
    return width <= max(len(numbers), len(numbers) ** 2 / 20) and len(np.unique(numbers)) == len(numbers)
