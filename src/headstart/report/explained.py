"""One sample to explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Explained:
    """One sample to explain: its name, raw input, and which output is explained."""

    name: str
    raw: Any
    output: int
    about: str
