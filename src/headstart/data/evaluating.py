"""`open_labelled`: labelled data as a finished model means them. No rule is applied that is meant for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.data.clips import CLIP
from headstart.data.dataset import Dataset, TableColumns
from headstart.data.like import Like
from headstart.data.material import Options
from headstart.data.opening import gather
from headstart.data.splits import given_as_test


def open_labelled(
    data: Any,
    like: Like,
    *,
    label: str | Sequence[str] | None = None,
    text: str | None = None,
    image: str | None = None,
) -> Dataset:
    """Open labelled data for a finished model: all rows lie in the split "test", or those that the data call so.

    Raises
    ------
    UserError
        If a column is lacking, a label is missing, or a class is none of the model's; all are named.
    """
    if isinstance(data, Dataset):
        return data
    modality = "image" if like.modality == CLIP else like.modality
    material = gather(data, Options(label=label, modality=like.modality, text=text, image=image, like=like))
    parts = np.zeros(0) if material.given is None else given_as_test(material.given)
    given = bool((parts == 2).any())
    rows = np.flatnonzero(parts == 2) if given else np.arange(len(material.inputs))
    splits = {"train": rows[:0], "validation": rows[:0], "test": rows}
    return Dataset(
        name=material.name, origin=material.origin, modality=modality, task=like.task, splits=splits,
        given_splits=given, inputs=material.inputs, targets=material.encoded.labels, row_names=material.row_names,
        columns=like.columns if isinstance(like.columns, TableColumns) else None, input_column=material.input_column,
        label_columns=material.label_columns, inferred=material.inferred, warnings=material.warnings,
    )  # fmt: skip
