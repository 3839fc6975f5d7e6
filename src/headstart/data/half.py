"""A table some of whose rows have no label: labelled data, and the other rows beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from headstart.data.assembling import table_columns
from headstart.data.blind import frame_of_data, open_blind
from headstart.data.columns import choose_labels
from headstart.data.dataset import Dataset
from headstart.data.inputs import Records
from headstart.data.requirements import require_classes, require_splits
from headstart.data.several import labels_of
from headstart.data.splits import make_splits
from headstart.errors import UserError


def open_half(
    data: Any,
    *,
    label: str | Sequence[str] | None = None,
    task: str | None = None,
    modality: str | None = None,
    text: str | None = None,
    image: str | None = None,
    seed: int = 0,
) -> tuple[Dataset, Dataset]:
    """Return the rows that have a label, as data to learn from, and those that have none.

    Raises
    ------
    UserError
        If the data are no table, every row has a label, or those that have one cannot be learned from.
    """
    frame, origin = frame_of_data(data)
    if frame is None:
        raise UserError(
            f"{origin or data} is no table, in which rows may lack a label; give samples without labels as a folder or "
            "a file of their own with --unlabelled."
        )
    name, *others = choose_labels(frame, label, origin, {})
    if others:
        raise UserError(f"--unlabelled rows looks for rows without one label, and {1 + len(others)} columns are named.")
    base = open_blind(data, label=(name,), modality=modality, text=text, image=image, seed=seed)
    found = labels_of(frame, name, task)
    if found.given.all():
        raise UserError(f"Every row of {origin} has the label '{name}'; leave --unlabelled rows out.")
    base = replace(base, inferred=base.inferred | {"task": f"{found.task.kind}: {found.reason}"}, label_columns=(name,))
    empty = {name: np.zeros(0, np.int64) for name in base.splits}
    known = replace(base.with_splits(empty), task=found.task, targets=found.values)
    known = known.without(np.flatnonzero(~found.given))
    labels = known.labels(np.arange(len(known)))
    require_classes(found.task, labels, None, origin)
    splits = make_splits(found.task, labels, None, None, seed)
    require_splits(found.task, labels, splits, origin)
    known = known.with_splits(splits)
    if isinstance(known.inputs, Records):
        readings = {} if base.columns is None else base.columns.readings
        columns = table_columns(known.inputs.columns, known.stored(splits["train"]), readings)
        known, base = replace(known, columns=columns), replace(base, columns=columns)
    return known, base.with_splits(empty).without(np.flatnonzero(found.given))
