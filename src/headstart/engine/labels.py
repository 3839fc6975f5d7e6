"""Labels as a stream holds them: an array, or a list where they are ragged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headstart.data.batches import Targets, known


class ViewedLabels:
    """Labels that move with their samples' views, such as masks and boxes: made when they are asked for.

    Parameters
    ----------
    n : how many. make : position and view to a tensor, or tensors by name. content : bytes of all labels.
    """

    def __init__(self, n: int, make: Callable[[int, int], Any], content: bytes) -> None:
        self.n, self.make, self.content = n, make, content

    def __len__(self) -> int:
        return self.n


def as_labels(labels: Any) -> Any:
    """Return labels as an array [n, ...]; as a list of tensors where they are a list of tensors, arrays or dicts."""
    if isinstance(labels, ViewedLabels):
        return labels
    ragged = isinstance(labels, list) and any(isinstance(value, Tensor | np.ndarray | dict) for value in labels)
    if not ragged:
        return np.asarray(labels)
    return [_tensors(value) for value in labels]


def _tensors(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: torch.as_tensor(item) for name, item in value.items()}
    return None if value is None else torch.as_tensor(value)


def pick_labels(labels: Any, positions: np.ndarray, views: Any = 0) -> Targets:
    """Return the targets of ``positions`` from what `as_labels` gave; of viewed labels in ``views`` (one, or [n])."""
    if isinstance(labels, ViewedLabels):
        numbers = np.broadcast_to(np.asarray(views), positions.shape)
        return [labels.make(int(position), int(view)) for position, view in zip(positions, numbers, strict=True)]
    if isinstance(labels, list):
        return [labels[position] for position in positions]
    return torch.from_numpy(labels[positions])


def given_labels(labels: Any) -> Tensor:
    """Return whose label is given [n]."""
    if isinstance(labels, ViewedLabels):
        return torch.ones(len(labels), dtype=torch.bool)
    return known(pick_labels(labels, np.arange(len(labels))))
