"""What of a result is the same whenever and wherever it is made, and where two differ first."""

from __future__ import annotations

import re
from typing import Any

VARIES = {"created", "command", "arguments", "origin", "spec", "title", "path"}
"""The moment, and what names the folders of a case."""
TIMES = {"seconds", "expected", "timetable", "reserve"}
DURATION = re.compile(r"(?<=Expected: at most ).*|\d[\d.]* (s|min|h)\b")
"""Keys and words that say how long something takes on this machine at this moment; what takes none is not named."""


def plain(value: Any) -> Any:
    """Leave out of a result what varies from run to run."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items() if key not in VARIES | TIMES}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return DURATION.sub("some time", value) if isinstance(value, str) else value


def where(found: Any, wanted: Any) -> str:
    """Where two documents differ first, and how."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        key = next(key for key in sorted(found.keys() | wanted.keys()) if found.get(key) != wanted.get(key))
        return f"{key}.{where(found.get(key), wanted.get(key))}"
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        place = next(place for place, pair in enumerate(zip(found, wanted, strict=True)) if pair[0] != pair[1])
        return f"{place}.{where(found[place], wanted[place])}"
    return f"{found!r:.200} instead of {wanted!r:.200}"
