"""The last lines of a run, which `resume` writes where a kill came between them."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

from headstart.foreign import digests
from headstart.report.html import write_report
from headstart.storage import write_json
from headstart.workflow.run import Run
from headstart.workflow.site import sweep_run


def finish(folder: Path, record: dict[str, Any]) -> Run:
    """Write ``run.json``, which says that all that was measured and trained is kept, and then `complete` the folder."""
    record = record | {"model": {"files": digests(folder / "model")}}
    write_json(folder / "run.json", record)
    complete(folder, record)
    return Run(folder, record)


def complete(folder: Path, record: dict[str, Any]) -> None:
    """Make what is made of the other files, and remove what a finished run no longer needs; done already: nothing."""
    if record.get("verb") != "pretrain" and not (folder / "report.html").exists():
        write_report(folder)
    with contextlib.suppress(FileNotFoundError):
        for entry in (folder / "state").iterdir():
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
    sweep_run(folder)
