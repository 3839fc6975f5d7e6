"""Cells of a CSV file that a spreadsheet would run as formulas."""

from __future__ import annotations

import re
from typing import Any

from headstart.workflow.judging.predictions import plain

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def protected(cell: Any) -> str:
    """Return a cell as text, with an apostrophe in front where a spreadsheet would take it for a formula.

    Numbers stay numbers.

    Examples
    --------
    >>> [protected(cell) for cell in ("=1+1", "-1.5", -1.5, "@ant", "-", "a=b")]
    ["'=1+1", '-1.5', '-1.5', "'@ant", "'-", 'a=b']
    """
    text = plain(cell) if isinstance(cell, float | list) else str(cell)
    return f"'{text}" if is_formula(text) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run the cell."""
    return text.lstrip(" ").startswith(FORMULA) and _NUMBER.fullmatch(text) is None
