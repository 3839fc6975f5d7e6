"""The end of the road: what judges is read once, the verdict speaks of what is handed back, and the run is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.workflow.field import Field
from headstart.workflow.fingerprint import read_arguments
from headstart.workflow.finish import finish
from headstart.workflow.predictions import write_predictions
from headstart.workflow.record import run_record
from headstart.workflow.run import Run
from headstart.workflow.trained_rows import save_rows
from headstart.workflow.verdict import Guard


def conclude(field: Field[Any, Any], plan: Any, results: Any, kept: Guard, folder: Path) -> Run:
    """Judge the arms, and write the run; ``run.json`` comes last."""
    predictions = field.predict(results, kept, folder)
    verdict = field.judge(plan, results, predictions, kept)
    details = field.describe(plan, results, predictions, verdict, kept)
    command = read_arguments(folder / "state" / "arguments.json").get("command", [])
    record = run_record(field.transfer, field.logic, plan, verdict, kept, details, command)
    if verdict is not None and len(predictions.rows):
        write_predictions(folder / "predictions.parquet", field.target, field.logic, predictions)
    field.save(results, predictions, kept, record, folder)
    save_rows(folder, *field.learned())
    return finish(folder, record | {"seconds": field.transfer.seconds})
