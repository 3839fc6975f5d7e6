"""The commands that would adapt a run's model to new data: only those that work for this kind of run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from headstart.models.arrays import ArrayModel
from headstart.models.saved import SavedModel
from headstart.workflow.run import Run
from headstart.workflow.watching.shares import Shares

DATA = "DATA"
"""What stands for data that have no path."""
CARRIED = ("label", "text", "image", "task", "modality", "source")
"""Options of a fit across domains that its repetition needs."""


def remedies(run: Run, data: Any, shares: Shares | None) -> list[tuple[str, str]]:
    """Return what to do and the command, the least costly first.

    Parameters
    ----------
    data : what was watched; its path stands in the commands where it is one path.
    """
    named = str(data) if isinstance(data, str | Path) and str(data) != "-" else DATA
    model = run.model
    if isinstance(model, ArrayModel):
        return [("Adapt again, without labels", _across(run, named)), _with_labels(run, model)]
    found = [*_at_prediction(run, model, named), *_without_labels(run, model, named)]
    if shares is not None and shares.moved:
        found += _shares(run, model, named)
    return [*found, _with_labels(run, model)]


def _said(*words: str) -> str:
    return shlex.join(["headstart", *words])


def _at_prediction(run: Run, model: Any, data: str) -> list[tuple[str, str]]:
    """Return prediction with moved normalisations, where the network has such and the task is served."""
    from headstart import catalogue
    from headstart.deep.at_test_time import AFFINE, batch_norms

    if batch_norms(model.network):
        name = "adabn"
    elif any(isinstance(module, AFFINE) for module in model.network.modules()):
        name = "tent"
    else:
        return []
    kinds = catalogue.create(name).kinds  # type: ignore[attr-defined]
    if kinds is not None and model.logic.task.kind not in kinds:
        return []
    command = _said("predict", str(run.path), data, "--adapt", name, "--out", "answers.csv")
    return [("Adapt at prediction, without labels", command)]


def _without_labels(run: Run, model: SavedModel, data: str) -> list[tuple[str, str]]:
    if not model.logic.task.label_space.one_class:
        return []
    command = _said("fit", data, "--source", str(run.path), "--method", "shot", "--out", f"{run.path}-adapted")
    return [("Adapt the network, without labels", command)]


def _shares(run: Run, model: SavedModel, data: str) -> list[tuple[str, str]]:
    """Return the correction of class shares, where the data that the run was fitted to are still there."""
    from headstart.workflow.evaluate import label_columns

    origin = run.result["data"].get("origin")
    if not origin or not Path(origin).exists():
        return []
    labels = label_columns(run)
    words = ["fit", data, "--source-data", str(origin), "--method", "bbse"]
    words += ["--label", ",".join(labels)] if labels else []
    words += [] if model.modality == "table" else ["--source", str(run.path)]
    return [("Correct the class shares", _said(*words, "--out", f"{run.path}-adapted"))]


def _across(run: Run, data: str) -> str:
    """Return the run's own fit, with the new data as its target."""
    options = run.result.get("arguments", {})
    words = ["fit", data]
    for source in options.get("source_data") or ["SOURCE"]:
        words += ["--source-data", str(source)]
    for name in CARRIED:
        if isinstance(options.get(name), str):
            words += [f"--{name}", options[name]]
    return _said(*words, "--out", f"{run.path}-adapted")


def _with_labels(run: Run, model: SavedModel) -> tuple[str, str]:
    if not isinstance(model, ArrayModel):
        command = _said("fit", "LABELLED", "--source", str(run.path), "--out", f"{run.path}-adapted")
        return "Or, with labels of new data", command
    command = _across(run, "LABELLED").replace(" --out ", " --target-labels learn --out ")
    return "Or, with labels of some new data", command
