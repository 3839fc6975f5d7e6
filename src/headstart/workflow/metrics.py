"""Learning curves, one JSON line per evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headstart.storage import write_text


def write_metrics(path: Path, results: dict[str, list[dict[str, Any]]]) -> None:
    """Write every arm's history to ``path``."""
    records = [record for parts in results.values() for part in parts for record in part["history"]]
    write_text(path, "".join(json.dumps(record, allow_nan=False) + "\n" for record in records))
