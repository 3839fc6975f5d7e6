"""Control characters in the cells of a table: NUL is refused, others are kept and said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc

from headstart.data.frame import Frame
from headstart.errors import UserError

_CONTROLS = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F]"
"""All but tab, line feed and carriage return."""


def control_warnings(frame: Frame, names: Sequence[str]) -> list[str]:
    """Return a sentence per column of text that holds control characters; they stay parts of the values.

    Raises
    ------
    UserError
        For a NUL, which no text holds: the file is binary, cut or of another encoding; row and column are named.
    """
    told = []
    for name in names:
        rows = _rows(frame, name, _CONTROLS)
        if not len(rows):
            continue
        nul = _rows(frame, name, r"\x00")
        if len(nul):
            raise UserError(
                f"The column '{name}' holds a NUL byte in {frame.row_names(nul[:1])[0]}, which no text does; the file "
                "is damaged or of another encoding: write it again as UTF-8, or take the byte out."
            )
        value = frame.columns.table.column(name)[int(rows[0])].as_py()
        told.append(
            f"The column '{name}' holds control characters in {len(rows)} of {len(frame.columns)} rows, first "
            f"{value[:40]!r} in {frame.row_names(rows[:1])[0]}; they are kept as part of the value."
        )
    return told


def _rows(frame: Frame, name: str, pattern: str) -> np.ndarray:
    found = [
        start
        + np.flatnonzero(pc.match_substring_regex(values, pattern).fill_null(False).to_numpy(zero_copy_only=False))  # type: ignore[attr-defined]
        for start, values in frame.columns.chunks(name)
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)
