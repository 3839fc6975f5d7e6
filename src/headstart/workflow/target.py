"""The target, opened as the options say."""

from __future__ import annotations

from typing import Any

from headstart.data import Dataset, open_data
from headstart.workflow.options import FitOptions


def open_target(data: Any, options: FitOptions) -> Dataset:
    """Open the target by the options; what is open already passes."""
    if isinstance(data, Dataset):
        return data
    return open_data(
        data,
        label=options.label,
        group=options.group,
        text=options.text,
        image=options.image,
        task=options.task,
        modality=options.modality,
        seed=options.seed,
    )
