"""Several tasks of the same samples: outputs and labels side by side, one loss per task."""

from __future__ import annotations

from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from headstart.problem import Task
from headstart.tasks.base import TaskLogic


class SeveralTasks(TaskLogic):
    """Tasks with one linear head over the same features; a label that is missing is NaN.

    Outputs [n, k] are those of all tasks side by side, in their order; labels [n, l] as well: a class number, a value
    per target, or 0/1 per class.
    """

    def __init__(self, parts: dict[str, TaskLogic]) -> None:
        super().__init__(Task("several"))
        self.parts = parts

    @property
    def outputs_of(self) -> list[slice]:
        """Each task's columns of the outputs."""
        return _side_by_side([part.task.n_outputs for part in self.parts.values()])

    @property
    def labels_of(self) -> list[slice]:
        """Each task's columns of the labels."""
        spaces = [part.task.label_space for part in self.parts.values()]
        return _side_by_side([1 if space.one_class else len(space.names) for space in spaces])

    def head(self, n_features: int) -> nn.Module:
        head = nn.Linear(n_features, sum(part.task.n_outputs for part in self.parts.values()))
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        return head

    def losses(self, outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return each task's mean loss over the samples whose label is given; 0 where none is."""
        found = {}
        for (name, part), mine, own in zip(self.parts.items(), self.outputs_of, self.labels_of, strict=True):
            labels = y[:, own]
            given = ~labels.isnan().any(dim=1)
            if not given.any():
                found[name] = 0.0 * outputs[:, mine].sum()
                continue
            labels = labels[given]
            labels = labels[:, 0].long() if part.task.label_space.one_class else labels
            found[name] = part.loss(outputs[given][:, mine], labels)
        return found

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        return torch.stack(list(self.losses(outputs, y).values())).mean()

    def predict(self, *_: Any) -> NoReturn:  # type: ignore[override]
        raise ValueError("Several tasks are predicted one by one.")

    scores = metrics = predict  # type: ignore[assignment]

    def to_json(self) -> dict[str, Any]:
        return {"kind": "several", "parts": {name: part.to_json() for name, part in self.parts.items()}}


def _side_by_side(widths: list[int]) -> list[slice]:
    ends = [sum(widths[: number + 1]) for number in range(len(widths))]
    return [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]
