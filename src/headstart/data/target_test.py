"""A test set beside a target of another domain: its rows join the target, and every one must have a label."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from headstart.data.counterpart import Counterpart, open_counterpart
from headstart.data.dataset import Dataset
from headstart.data.testing import join_inputs, joined_names
from headstart.errors import UserError


def open_test(test: Any, source: Dataset, *, others: str | None = None) -> Counterpart:
    """Open a test set of a target whose task is the source's; every row must have a label."""
    try:
        found = open_counterpart(test, source, others=others)
    except UserError as error:
        raise UserError(f"--test: {error}") from error
    lacking = np.flatnonzero(_unknown(found.stored_labels))
    if len(lacking):
        first = found.dataset.names(lacking[:1])[0]
        raise UserError(
            f"--test {found.dataset.origin}: {len(lacking)} of its {len(found.dataset)} rows have no label, first "
            f"{first}; a test needs them all."
        )
    return found


def join_target(target: Counterpart, test: Counterpart) -> Counterpart:
    """Return the rows of both as one target; those of ``test`` are its split "test", the others "train"."""
    one, other, n = target.dataset, test.dataset, len(target.dataset)
    columns = one.columns
    if columns is not None and other.columns is not None:
        mine, theirs = columns.categorical, other.columns.categorical
        columns = replace(
            columns, categorical={name: tuple(sorted({*known, *theirs.get(name, ())})) for name, known in mine.items()}
        )
    rows = np.arange(n + len(other))
    dataset = replace(
        one,
        inputs=join_inputs(one.inputs, other.inputs),
        row_names=joined_names(one, other, n),
        columns=columns,
        splits={"train": rows[:n], "validation": rows[:0], "test": rows[n:]},
        given_splits=True,
        warnings=(*one.warnings, *(f"Of the test set: {text}" for text in other.warnings)),
    )
    return Counterpart(dataset, np.concatenate([target.stored_labels, test.stored_labels]))


def _unknown(labels: np.ndarray) -> np.ndarray:
    return np.isnan(labels) if labels.dtype.kind == "f" else labels < 0
