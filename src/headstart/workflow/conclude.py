"""The end of the road: what judges is read once, the verdict speaks of what is handed back, and the run is written."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

from headstart.foreign import digests
from headstart.report.html import write_report
from headstart.storage import sync_names, write_json
from headstart.workflow.field import Field
from headstart.workflow.judging.predictions import write_predictions
from headstart.workflow.judging.verdict import Guard
from headstart.workflow.opening.fingerprint import read_arguments
from headstart.workflow.record import run_record
from headstart.workflow.run import Run
from headstart.workflow.site import sweep_run
from headstart.workflow.trained_rows import save_rows


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


def finish(folder: Path, record: dict[str, Any]) -> Run:
    """Write ``run.json``, which says that all that was measured and trained is kept, and then `complete` the folder."""
    record = record | {"model": {"files": digests(folder / "model")}}
    write_json(folder / "run.json", record)
    complete(folder, record)
    return Run(folder, record)


def complete(folder: Path, record: dict[str, Any]) -> None:
    """Make what is made of the other files, and remove what a finished run no longer needs; done already: nothing."""
    told = record.get("verb") != "pretrain" or {"without_labels", "few_shot"} & record.keys()
    if told and not (folder / "report.html").exists():
        write_report(folder)
    with contextlib.suppress(FileNotFoundError):
        for entry in (folder / "state").iterdir():
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
    sweep_run(folder)
    sync_names(folder)
