"""The ranges that the numbers among the options may have."""

from __future__ import annotations

import numbers
from typing import Any

from headstart.errors import UserError

BOUNDS = {
    "views": (1, 10_000),
    "seeds": (1, 1_000),
    "shots": (1, 10**6),
    "ways": (2, 10_000),
    "batch_size": (1, 2**20),
    "epochs": (1, 100_000),
    "patience": (1, 100_000),
    "trials": (1, 100_000),
    "size": (32, 2_048),
    "seed": (0, 2**32 - 1_001),  # scikit-learn takes seeds below 2**32, and repetitions count up from here
}
LONGEST_BUDGET = 10 * 365 * 86_400.0
"""Seconds."""


def whole(option: str, value: Any) -> int | None:
    """Return an option that counts as a plain whole number within its bounds; None stays None.

    Raises
    ------
    UserError
        If it is no whole number, or out of bounds; both are named.
    """
    low, high = BOUNDS[option]
    if value is None:
        return None
    given = f"--{option.replace('_', '-')} is {str(value)[:40]}"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise UserError(f"{given} ({type(value).__name__}); expected a whole number.")
    if not low <= int(value) <= high:
        raise UserError(f"{given}; expected a whole number from {low} to {high:,}.")
    return int(value)


def real(option: str, value: Any, high: float) -> float | None:
    """Return an option as a plain number above 0 and below ``high``; None stays None."""
    if value is None:
        return None
    given = f"--{option.replace('_', '-')} is {str(value)[:40]}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise UserError(f"{given} ({type(value).__name__}); expected a number.")
    if not 0 < float(value) < high:
        raise UserError(f"{given}; expected a number above 0 and below {high:g}.")
    return float(value)
