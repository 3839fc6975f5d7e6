"""What every task gives: a head, a loss, predictions, one score per sample, and metrics by their field names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from torch import Tensor, nn

from headstart.problem import ERRORS, Task


class TaskLogic(ABC):
    """The torch side of a `Task`. Final subclasses: Classification, MultiLabel, Regression."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def head(self, n_features: int) -> nn.Module:
        """Return a new linear head from ``n_features`` to the task's outputs, weights and bias zero."""
        head = nn.Linear(n_features, self.task.n_outputs)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        return head

    def head_of(self, network: Any) -> nn.Module:
        """Return a new head for a `headstart.networks.Network`; a task that reads maps or tokens replaces this.

        Its attribute ``reads`` says what it reads; by default pooled features.
        """
        return self.head(network.n_features)

    @abstractmethod
    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the mean loss of a batch; ``weight`` [n] weighs the samples (mean of weight * loss)."""

    @abstractmethod
    def predict(self, outputs: Tensor) -> Tensor:
        """Turn raw outputs [n, k] into probabilities [n, k], or values in the target's units [n, k]."""

    @abstractmethod
    def scores(self, predictions: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return one score per sample [n], higher is better; their mean is the primary metric (its negative
        for errors)."""

    def score(self, predictions: np.ndarray, y: np.ndarray) -> float:
        """Return the primary metric, counted so that higher is better."""
        if self.task.is_own_metric:
            return float(self.scores(predictions, y).mean())
        value = self.measure(self.task.metric, predictions, y)
        return -value if self.task.metric in ERRORS else value

    def measure(self, metric: str, predictions: np.ndarray, y: np.ndarray) -> float:
        """Return one of the task's metrics."""
        return self.metrics(predictions, y)[metric]

    @abstractmethod
    def metrics(self, predictions: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Return every metric of the task, the primary one first."""

    def leading(self, found: dict[str, float]) -> dict[str, float]:
        """Return metrics with the primary one first."""
        return {self.task.metric: found[self.task.metric], **found}

    def to_json(self) -> dict[str, Any]:
        return self.task.to_json()


def average(losses: Tensor, weight: Tensor | None) -> Tensor:
    """Mean over samples of ``losses`` [n], weighted when ``weight`` [n] is given."""
    return losses.mean() if weight is None else (losses * weight).mean()
