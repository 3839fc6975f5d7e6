"""Samples to vectors of length 1: what a verification's exported network answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from headstart.problem import Task
from headstart.tasks.base import TaskLogic


class Vectors(TaskLogic):
    """Stands where a task would when a network of vectors is exported; nothing is learned by it.

    Parameters
    ----------
    n : numbers of a vector.
    """

    def __init__(self, n: int) -> None:
        super().__init__(Task("regression", targets=tuple(f"v{number}" for number in range(n))))

    @property
    def meaning(self) -> str:
        return "a vector of length 1 per sample; the product of two is their similarity"

    def predict(self, outputs: Tensor) -> Tensor:
        return F.normalize(outputs, dim=1)

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        raise TypeError("Vectors are not learned by a loss of their own.")

    def scores(self, predictions: np.ndarray, y: np.ndarray) -> np.ndarray:
        raise TypeError("Vectors are judged in pairs.")

    def metrics(self, predictions: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        raise TypeError("Vectors are judged in pairs.")
