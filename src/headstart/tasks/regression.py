"""Numbers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from headstart.problem import Task
from headstart.schema import Items, Number, Rule
from headstart.tasks.base import TaskLogic, average


class Regression(TaskLogic):
    """Mean squared error on standardised targets [n, k]; predictions are in the target's units.

    Targets, their mean and their scale stay float64 until they are standardised: near 1e9 float32 has no halves.
    """

    def __init__(self, task: Task, mean: np.ndarray, scale: np.ndarray) -> None:
        super().__init__(task)
        self.mean = np.asarray(mean, dtype=np.float64)
        self.scale = np.asarray(scale, dtype=np.float64)

    @classmethod
    def from_labels(cls, task: Task, labels: np.ndarray | None) -> Self:
        """Take mean and standard deviation from training labels [n, k]; a constant target has scale 1."""
        values = np.zeros((1, task.n_outputs)) if labels is None else np.asarray(labels, dtype=np.float64)
        spread = values.std(axis=0)
        return cls(task, values.mean(axis=0), np.where(spread > 0, spread, 1.0))

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        return cls(Task.from_json(saved), np.array(saved["mean"]), np.array(saved["scale"]))

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"mean": self.mean.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def saved_rules(cls, n_outputs: int) -> dict[str, Rule]:
        return {"mean": Items(Number(), n_outputs, n_outputs), "scale": Items(Number(1e-300), n_outputs, n_outputs)}

    @property
    def units(self) -> tuple[np.ndarray, np.ndarray]:
        return self.mean, self.scale

    def _like(self, values: np.ndarray, outputs: Tensor) -> Tensor:
        return torch.as_tensor(values, dtype=_widest(outputs)).to(outputs.device)

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        standardised = (y.to(_widest(y)) - self._like(self.mean, y)) / self._like(self.scale, y)
        standardised = standardised.to(outputs.dtype)
        return average((outputs - standardised).square().mean(dim=1), weight)

    def predict(self, outputs: Tensor) -> Tensor:
        return outputs.to(_widest(outputs)) * self._like(self.scale, outputs) + self._like(self.mean, outputs)

    def scores(self, predictions: np.ndarray, y: np.ndarray) -> np.ndarray:
        return -np.abs(predictions - y).mean(axis=1)

    def metrics(self, predictions: np.ndarray, y: np.ndarray) -> dict[str, float]:
        residual, total = np.square(predictions - y).sum(0), np.square(y - y.mean(0)).sum(0)
        found = {
            "mae": float(np.abs(predictions - y).mean()),
            "rmse": float(np.sqrt(np.square(predictions - y).mean())),
            "r2": float(np.mean(1 - residual / np.where(total > 0, total, 1.0))),
        }
        return self.leading(found)


def _widest(values: Tensor) -> torch.dtype:
    """Return float64, where the device has it."""
    return torch.float32 if values.device.type == "mps" else torch.float64
