"""Finish a stopped run as if it had never been stopped."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.workflow.conclude import complete
from headstart.workflow.opening.fingerprint import read_arguments
from headstart.workflow.registering import registered
from headstart.workflow.road import go_on
from headstart.workflow.run import Run, load
from headstart.workflow.site import ARGUMENTS, begun_run, is_helper


@isolate
def resume(run: str | PathLike[str], *, quiet: bool = False, verbose: bool = False) -> Run | None:
    """Go on with an unfinished run, or one that was to replace it; a finished one is returned as it is.

    On the CPU the final weights are bit for bit those of a run that was never stopped.

    Raises
    ------
    UserError
        If the folder is no run, another process works on it, its data were in memory only, or the source, the data,
        the options or the code have changed since.
    """
    with begun_run(Path(run)) as site:
        return registered(site.hand_over(_go_on(Path(run), site.work, Progress(quiet=quiet, verbose=verbose))))


def _go_on(folder: Path, work: Path, progress: Progress) -> Run | None:
    if (work / "run.json").exists():
        if is_helper():
            return None
        found = load(work)
        complete(work, found.result)
        return found
    arguments = work / "state" / ARGUMENTS
    if not arguments.exists():
        return load(folder)
    saved = read_arguments(arguments)
    if saved["data"] is None:
        raise UserError(f"{folder} was fitted on data in memory, which cannot be opened again; run the fit anew.")
    return go_on(work, saved, progress)
