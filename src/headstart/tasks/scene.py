"""What tasks with masks and with boxes share: the side at which pictures enter, and the head by its name."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from torch import nn

from headstart.errors import UserError, nearest
from headstart.problem import Task
from headstart.schema import Rule, Text, Whole
from headstart.tasks.base import TaskLogic
from headstart.tasks.carried import carry_head

STEP = 32
SHRUNK = 1.5
"""Times that pictures are larger than the canvas, from which on a plan says so."""
SMALLEST, USUAL, LARGEST = 64, 256, 2048
"""Sides of the canvas: the least, the most that is chosen unasked, and the most."""


class Scene(TaskLogic):
    """A task whose labels are objects of `headstart.kinds.structured` that move with their pictures.

    Parameters
    ----------
    size : side of the canvas on which pictures enter. head_name : which head.
    """

    heads: dict[str, Any]
    """Heads by name; the first is chosen unless another is asked for."""

    def __init__(self, task: Task, size: int, head_name: str) -> None:
        super().__init__(task)
        self.size, self.head_name = size, head_name

    @classmethod
    def from_labels(cls, task: Task, labels: np.ndarray | None) -> Self:
        """Choose the side by the middle one of the training pictures' longer sides, up to `USUAL`."""
        longest = [max(label.size) for label in labels] if labels is not None and len(labels) else [USUAL]
        return cls(
            task, int(np.clip(STEP * round(float(np.median(longest)) / STEP), SMALLEST, USUAL)), next(iter(cls.heads))
        )

    def configured(self, options: dict[str, Any]) -> Self:
        size, head = options.get("size") or self.size, options.get("head") or self.head_name
        if size % STEP or not SMALLEST <= size <= LARGEST:
            raise UserError(
                f"--size {size} is no side of pictures; give a multiple of {STEP} from {SMALLEST} to {LARGEST}."
            )
        if head not in self.heads:
            raise UserError(f"--head '{head}' is no head for {self.task.kind}; {nearest(head, list(self.heads))}")
        return type(self)(self.task, size, head)

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        return cls(Task.from_json(saved), saved["size"], saved["head"])

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"size": self.size, "head": self.head_name}

    @classmethod
    def saved_rules(cls, n_outputs: int) -> dict[str, Rule]:
        return {"size": Whole(STEP, LARGEST), "head": Text(choices=tuple(cls.heads))}

    def carried(self, head: nn.Module, former: Any) -> bool:
        old, logic = former
        return carry_head(head, old, self.task.classes, logic.task.classes) is not None

    def noted(self, labels: np.ndarray) -> tuple[str, ...]:
        longest = float(np.median([max(label.size) for label in labels])) if len(labels) else 0.0
        said = []
        if longest >= SHRUNK * self.size:
            wanted = int(np.clip(STEP * round(longest / STEP), SMALLEST, LARGEST))
            said.append(
                f"Pictures of about {longest:.0f} pixels enter on a canvas of {self.size}, {longest / self.size:.1f} "
                f"times smaller: where thin or small things matter, --size {wanted} keeps more of them, for about "
                f"{(wanted / self.size) ** 2:.0f} times the work."
            )
        if self.tile:
            said.append(
                f"The canvas of {self.size} pixels is learned from by tiles of {self.tile}; choice and verdict are of "
                "whole pictures."
            )
        return tuple(said)

    def adapt(self, network: Any) -> Any:
        network.preprocess = network.preprocess.whole(self.size)
        return network

    @property
    def shown_side(self) -> int:
        return 1_400

    def head(self, n_features: int) -> nn.Module:
        raise TypeError(f"A head for {self.task.kind} reads maps, not {n_features} features; ask `head_of`.")
