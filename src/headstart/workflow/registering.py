"""A finished run joins the user's library of sources."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from headstart import library
from headstart.errors import HeadstartWarning, UserError
from headstart.library import Gain, Mine
from headstart.problem import Task
from headstart.workflow.run import Run, load


def registered(run: Run | None) -> Run | None:
    """Add a finished run, and what its source gave it, to the library, where the user wants one; return the run.

    The run is finished: what the library says against it is a warning.
    """
    if run is None or library.place() is None:
        return run
    try:
        library.put(entry_of(run))
        found = gain_of(run)
        if found is not None:
            library.put_gain(*found)
    except UserError as error:
        warnings.warn(
            f"The run is finished, but not in the library of sources: {error}", HeadstartWarning, stacklevel=2
        )
    return run


def add(path: str | Path, name: str | None = None) -> Mine:
    """Add a run that is there to the library, and return what is known of it."""
    run = load(Path(path).expanduser())
    if name is not None and (not name.strip() or name.startswith(library.PREFIX) or "/" in name):
        raise UserError(f"--name '{name[:100]}' is no name of a source; give a word without / or mine: in front.")
    chosen = library.put(entry_of(run), name=name)
    found = gain_of(run)
    if found is not None:
        library.put_gain(*found)
    return library.get(chosen)


def entry_of(run: Run) -> Mine:
    """Return what the library keeps of a run."""
    value, folder = run.result, run.path.expanduser().absolute()
    data, task, source = value["data"], value["task"], value.get("source") or {}
    kept = (value.get("guard") or {}).get("kept") or next(iter(value["arms"]), "")
    arm = value["arms"].get(kept, {})
    score = (arm.get("test") or {}).get(value["metric"])
    return Mine(
        name=folder.name,
        path=str(folder),
        serves=(folder / "model" / "network.json").is_file(),
        modality=str(value.get("modality") or ""),
        kind="" if task is None else task["kind"],
        predicts="nothing by itself: learned without labels"
        if task is None
        else Task.from_json(task).label_space.words(),
        classes=() if task is None else tuple(task.get("classes") or task.get("targets") or ()),
        data=_text(data.get("name")),
        origin=_text(data.get("origin")),
        fingerprint=_text(data.get("fingerprint")),
        source=_text(source.get("spec")),
        licence=_text(source.get("licence")),
        metric=value["metric"],
        score=score,
        n_test=int(arm.get("n_test") or (data.get("splits") or {}).get("test", 0)),
        parameters=arm.get("parameters"),
        size=sum(one.stat().st_size for one in (folder / "model").rglob("*") if one.is_file()),
        created=str(value.get("created") or ""),
    )


def gain_of(run: Run) -> tuple[str, Gain] | None:
    """Return the source of a run and what it gave: of the model handed back where that uses the source, else of the
    planned arm; None where nothing was compared, or the source is data."""
    value, verdict = run.result, run.verdict
    source = value.get("source") or {}
    if verdict is None or not source.get("spec") or source.get("kind") == "data":
        return None
    told: Any = verdict if verdict.transfers or verdict.planned is None else verdict.planned
    low, high = told.interval or (None, None)
    key = str(Path(source["spec"]).expanduser().absolute()) if source.get("kind") == "run" else source["spec"]
    data, folder = value["data"], str(run.path.expanduser().absolute())
    gain = Gain(
        target=_text(data.get("name")),
        fingerprint=_text(data.get("fingerprint")),
        kind=told.kind,
        metric=verdict.metric,
        gain=told.gain,
        low=low,
        high=high,
        n_test=verdict.n_test,
        arm=told.arm or verdict.chosen,
        baseline=told.baseline,
        run=folder,
        created=str(value.get("created") or ""),
    )
    return key, gain


def _text(value: Any) -> str:
    return "" if value is None else str(value)
