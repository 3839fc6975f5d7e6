"""Samples without labels beside a labelled target: opened as its inputs are, and none of those that judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headstart.data import Dataset, check
from headstart.data.predicting import open_inputs
from headstart.errors import UserError
from headstart.workflow.options import FitOptions
from headstart.workflow.trained_rows import row_hashes

LEAST = 2
ROWS = "rows"
"""What ``--unlabelled`` may be beside data: the rows of the target that have no label."""


class Beside(NamedTuple):
    """Unlabelled samples, and what was said of them."""

    dataset: Dataset
    notes: tuple[str, ...]


def open_beside(data: Any, target: Dataset, options: FitOptions) -> Beside:
    """Open unlabelled samples of the target's kind; labels that they have are not read.

    Samples that are also in the target's test or validation split are left out, so that nothing learns from them.

    Raises
    ------
    UserError
        If the target's task is not learned so, or too few samples are left.
    """
    task = target.task
    assert task is not None
    if not task.label_space.one_class:
        raise UserError(
            f"--unlabelled teaches by a network's own certain answers, one class per sample, and {target.name} is for "
            f"{task.kind}; leave it out."
        )
    if isinstance(data, str | Path) and str(data) and Path(data).expanduser().is_dir() and target.modality == "table":
        raise UserError(f"--unlabelled {data} is a folder, and {target.name} holds rows of a table; give a table.")
    found = data if isinstance(data, Dataset) else _opened(data, target)
    found, _ = check(found, allow_damaged=options.allow_damaged)
    judged = row_hashes(target, np.concatenate([target.splits["test"], target.splits["validation"]]))
    known = np.isin(row_hashes(found, np.arange(len(found))), judged)
    notes = [f"{len(found) - known.sum():,} samples without labels stand beside the labelled ones."]
    if known.any():
        notes.append(f"{known.sum():,} of the unlabelled samples are those that choose or judge, and are left out.")
    found = found.without(np.flatnonzero(known))
    if len(found) < LEAST:
        raise UserError(f"--unlabelled {found.origin} leaves {len(found)} samples that are not tested on; give more.")
    return Beside(found, (*notes, *found.warnings))


def _opened(data: Any, target: Dataset) -> Dataset:
    try:
        return open_inputs(
            Path(data) if isinstance(data, str) else data,
            modality=target.modality,
            columns=target.columns or target.input_column,
        )
    except UserError as error:
        raise UserError(f"--unlabelled: {error}") from error
