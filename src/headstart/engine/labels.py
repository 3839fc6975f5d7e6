"""Labels as a stream holds them: an array, or a list where they are ragged."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from headstart.data.batches import Targets


def as_labels(labels: Any) -> Any:
    """Return labels as an array [n, ...]; as a list of tensors where they are a list of tensors, arrays or dicts."""
    ragged = isinstance(labels, list) and any(isinstance(value, Tensor | np.ndarray | dict) for value in labels)
    if not ragged:
        return np.asarray(labels)
    return [_tensors(value) for value in labels]


def _tensors(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: torch.as_tensor(item) for name, item in value.items()}
    return None if value is None else torch.as_tensor(value)


def pick_labels(labels: Any, positions: np.ndarray) -> Targets:
    """Return the targets of ``positions`` from what `as_labels` gave."""
    if isinstance(labels, list):
        return [labels[position] for position in positions]
    return torch.from_numpy(labels[positions])
