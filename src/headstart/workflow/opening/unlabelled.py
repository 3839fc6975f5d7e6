"""Whether a target is to be adapted to without labels, from a run alone; and the target, opened as that run's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.data import Checks, Counterpart, Dataset, check, open_counterpart
from headstart.data.dataset import TableColumns
from headstart.errors import UserError
from headstart.problem import Task
from headstart.shallow.domains import masked
from headstart.workflow.options import FitOptions, is_source_free

Opened = tuple[Counterpart, Checks]


@dataclass(frozen=True)
class RunLike:
    """What a run's model takes and answers, as `headstart.data.open_counterpart` reads it of labelled source data."""

    name: str
    task: Task
    modality: str
    columns: TableColumns | None
    input_column: str | None
    label_columns: tuple[str, ...]


def open_source_free(data: Any, options: FitOptions, open_labelled: Callable[[], Dataset]) -> Opened | None:
    """Open a target to which a run's model is adapted: by methods that were named, or where it has no label at all.

    Parameters
    ----------
    open_labelled : opens it as a labelled target.

    Raises
    ------
    UserError
        If the methods named need a run whose model is a network, and the source is none, or its model cannot take the
        target.
    """
    named = is_source_free(options.method)
    like = _like(options.source) if named or options.method is None else None
    if named and like is None:
        raise UserError(
            f"--method {options.method} adapts a run's model without data of its source; give a run folder whose model "
            "is a network with --source."
        )
    if named and like is not None and not like.task.label_space.one_class:
        raise UserError(
            f"--method {options.method} adapts models that tell one class per sample, and the run {like.name} is for "
            f"{like.task.kind}; choose another run."
        )
    if like is None or not like.task.label_space.one_class:
        return None
    if not named:
        try:
            dataset = open_labelled()
        except UserError as error:
            return _without_labels(data, like, options, error)
        if options.label is not None or not _took_a_feature(dataset, like):
            return None
    return _opened(data, like, options)


def reopen_source_free(data: Any, options: FitOptions) -> Opened:
    """Open such a target again."""
    like = _like(options.source)
    if like is None:
        raise UserError(f"The source {options.source} is no run with a network any more; give what the run began with.")
    return _opened(data, like, options)


def _took_a_feature(dataset: Dataset, like: RunLike) -> bool:
    """Return whether the label that opening found is a column that the run's model takes as a feature."""
    names = () if like.columns is None else like.columns.names
    return any(name in names for name in dataset.label_columns)


def _without_labels(data: Any, like: RunLike, options: FitOptions, error: UserError) -> Opened:
    try:
        found = _opened(data, like, options)
    except UserError:
        raise error from None
    if not masked(found[0].labels).all():
        raise error
    return found


def _opened(data: Any, like: RunLike, options: FitOptions) -> Opened:
    found = open_counterpart(data, like)
    dataset, checks = check(found.dataset, allow_damaged=options.allow_damaged)
    if len(dataset) < 2:
        raise UserError(f"{dataset.origin} has {len(dataset)} samples; a target needs 2 or more.")
    return Counterpart(dataset, found.stored_labels), checks


def _like(spec: str | None) -> RunLike | None:
    from headstart.workflow.evaluate import label_columns
    from headstart.workflow.run import load

    if spec is None or not (Path(spec).expanduser() / "run.json").is_file():
        return None
    run = load(spec)
    if not (Path(spec).expanduser() / "model" / "network.json").is_file():
        return None
    if run.result["task"] is None:
        return None
    model = run.model
    wanted = model.wanted
    columns = wanted if isinstance(wanted, TableColumns) else None
    column = wanted if isinstance(wanted, str) else None
    return RunLike(Path(spec).name, model.logic.task, model.modality, columns, column, label_columns(run))
