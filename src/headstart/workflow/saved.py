"""What a run keeps for its curves and for `resume`; what is read back is checked, for it may come from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headstart.report.expected import METRIC_LINE, METRICS
from headstart.schema import ANYTHING, Either, Flag, Items, Maybe, Number, Record, Text, Whole, read_checked, record_of
from headstart.storage import write_text
from headstart.workflow.options import FitOptions

ARGUMENTS = Record(
    {
        "verb": Text(choices=("fit", "pretrain", "adapt")),
        "data": Maybe(Either((Items(Text(), 2), Text()))),
        "options": record_of(FitOptions),
        "fingerprint": ANYTHING,
    },
    {
        "command": Items(Text()),
        "source_data": Maybe(Items(Text())),
        "test": Maybe(Text()),
        "unlabelled": Maybe(Text()),
        "notes": Items(Text()),
        "sources": Items(Text()),
    },
)
PROBE = Record({"features": Text(), "standardise": Flag(), "strength": Number(0)})
"""What a probe chose."""
RESULT = Record(
    {
        "validation": METRICS,
        "score": Number(),
        "seconds": Number(0),
        "epochs": Number(0),
        "cut": Whole(),
        "trainable_parameters": Whole(),
        "parameters": Whole(),
        "frozen": Record({}, {"stages": Items(Text()), "unchanged": Maybe(Flag())}),
        "stopped": Text(),
        "settings": Record({}, {"notes": Items(Text()), "probe": PROBE}),
        "history": Items(METRIC_LINE),
    }
)


CUT = Record({"step": Whole()})


def read_result(folder: Path) -> dict[str, Any]:
    """Return the result of a finished arm."""
    return read_checked(folder / "result.json", RESULT)


def read_plan(path: Path) -> dict[str, Any]:
    """Return what ``plan.json`` holds: the plan, and perhaps the measured shift."""
    return read_checked(path, Record())


def write_metrics(path: Path, results: dict[str, list[dict[str, Any]]]) -> None:
    """Write every arm's history to ``path``."""
    records = [record for parts in results.values() for part in parts for record in part["history"]]
    write_text(path, "".join(json.dumps(record, allow_nan=False) + "\n" for record in records))
