"""Finish a stopped run as if it had never been stopped."""

from __future__ import annotations

from pathlib import Path

from headstart.data import check
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.networks import open_source
from headstart.storage import read_json
from headstart.workflow.fit import carry_out, check_fits, check_unchanged, open_target
from headstart.workflow.options import FitOptions
from headstart.workflow.run import Run, load
from headstart.workflow.workbench import Workbench, start_processes


@isolate
def resume(run: str | Path, *, quiet: bool = False) -> Run | None:
    """Go on with an unfinished run; a finished one is returned as it is.

    On the CPU the final weights are bit for bit those of a run that was never stopped.

    Raises
    ------
    UserError
        If the folder is no run, its data were in memory only, or its data have changed since.
    """
    folder = Path(run)
    arguments = folder / "state" / "arguments.json"
    if (folder / "run.json").exists() or not arguments.exists():
        return load(folder)
    saved = read_json(arguments)
    if saved["data"] is None:
        raise UserError(f"{folder} was fitted on data in memory, which cannot be opened again; run the fit anew.")
    if saved["verb"] == "pretrain":
        from headstart.workflow.pretrain import resume_pretrain

        return resume_pretrain(folder, saved, quiet=quiet)
    options = FitOptions.from_json(saved["options"])
    if saved["verb"] == "adapt":
        from headstart.workflow.across.fit import resume_across

        return resume_across(folder, saved, options, quiet=quiet)
    assert options.source is not None
    source = open_source(options.source, network=options.network)
    dataset = open_target(saved["data"], options)
    check_fits(dataset, source)
    dataset, checks = check(dataset, allow_damaged=options.allow_damaged)
    check_unchanged(folder, saved["data"], dataset.fingerprint, saved["fingerprint"])
    bench = Workbench.create(dataset, source, options, start_processes(options.device), Progress(quiet=quiet))
    bench.notes = tuple(saved.get("notes", ()))
    return carry_out(bench, folder, checks)
