"""The target, opened as the options say, and fewer of its labels than there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data import Dataset, open_data
from headstart.data.blind import open_blind
from headstart.errors import UserError
from headstart.workflow.options import FitOptions, is_self_supervised


def open_target(data: Any, options: FitOptions, test: Any = None) -> Dataset:
    """Open the target by the options; what is open already passes. The task takes the metric that was asked for.

    Parameters
    ----------
    test : the labelled data of ``--test``; None where there are none.
    """
    if is_self_supervised(options.method):
        return _without_labels(data, options)
    refuse_itself(data, test)
    dataset = data if isinstance(data, Dataset) and test is None else _opened(data, options, test)
    return with_metric(dataset, options)


def with_metric(dataset: Dataset, options: FitOptions) -> Dataset:
    """Return the data with the metric that was asked for; refuse one, or weights of classes, that the task has not."""
    task = dataset.task
    if task is None:
        return dataset
    if options.balanced and not task.label_space.one_class:
        raise UserError(f"--class-weight balanced weighs classes, and {dataset.name} is for {task.kind}; leave it out.")
    if options.metric is None:
        return dataset
    if options.metric not in task.label_space.metrics:
        known = ", ".join(task.label_space.metrics)
        raise UserError(f"--metric {options.metric} does not measure a {task.kind}; choose of {known}.")
    return replace(dataset, task=replace(task, primary=options.metric))


def _without_labels(data: Any, options: FitOptions) -> Dataset:
    label = [part.strip() for part in options.label.split(",")] if options.label else []
    return open_blind(
        data, label=label, modality=options.modality, text=options.text, image=options.image, seed=options.seed
    )


def refuse_itself(data: Any, test: Any) -> None:
    """Refuse a test set that is what is learned from."""
    paths = [Path(one).expanduser() for one in (data, test) if isinstance(one, str | Path) and str(one)]
    if (data is test and test is not None) or (len(paths) == 2 and paths[0].resolve() == paths[1].resolve()):
        raise UserError("--test names the data themselves; give samples that nothing is learned from, or leave it out.")


def _opened(data: Any, options: FitOptions, test: Any) -> Dataset:
    return open_data(
        data,
        label=options.label,
        group=options.group,
        text=options.text,
        image=options.image,
        task="classification" if options.verifies else options.task,
        modality=options.modality,
        seed=options.seed,
        test=test,
        singles=options.verifies,
    )


def draw_shots(dataset: Dataset, shots: int, seed: int) -> np.ndarray:
    """Return ``shots`` training rows of every class, drawn by ``seed``, ascending."""
    rows = dataset.splits["train"]
    labels = dataset.labels(rows)
    random = np.random.default_rng([seed, shots])
    drawn = [random.permutation(rows[labels == label])[:shots] for label in np.unique(labels)]
    return np.sort(np.concatenate(drawn))


def check_shots(dataset: Dataset, shots: int | None, *, least: int = 2) -> None:
    """Refuse ``--shots`` where it has no meaning, or where a class has not so many.

    Parameters
    ----------
    least : 1 where a single label per class will do.
    """
    if shots is None or dataset.task is None:
        return
    if not dataset.task.label_space.one_class:
        raise UserError(f"--shots {shots} counts labels per class, and {dataset.name} is a {dataset.task.kind} task.")
    if shots < least:
        raise UserError(
            f"--shots is {shots}; at least {least} labels per class are needed to compare arms by cross-validation."
        )
    counts = np.bincount(dataset.labels(dataset.splits["train"]), minlength=dataset.task.n_outputs)
    if counts.min() < shots:
        rarest = dataset.task.classes[int(counts.argmin())]
        raise UserError(
            f"--shots {shots} asks for more labels than the class '{rarest}' has in the training split "
            f"({counts.min()}); give at most {counts.min()}."
        )
