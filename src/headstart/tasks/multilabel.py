"""Any subset of the classes."""

from __future__ import annotations

import numpy as np
from sklearn import metrics
from torch import Tensor
from torch.nn import functional as F

from headstart.tasks.base import TaskLogic, average


class MultiLabel(TaskLogic):
    """Binary cross-entropy per class on logits [n, k] against 0/1 labels [n, k] (float32)."""

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        losses = F.binary_cross_entropy_with_logits(outputs, y, reduction="none").mean(dim=1)
        return average(losses, weight)

    def imitation(self, outputs: Tensor, others: Tensor, temperature: float) -> Tensor:
        """``T^2`` times the mean KL divergence of each label's tempered probability from the others'."""
        truth = (others / temperature).sigmoid()
        cross = F.binary_cross_entropy_with_logits(outputs / temperature, truth, reduction="mean")
        own = F.binary_cross_entropy_with_logits(others / temperature, truth, reduction="mean")
        return temperature**2 * (cross - own)

    def predict(self, outputs: Tensor) -> Tensor:
        return outputs.float().sigmoid()

    def scores(self, predictions: np.ndarray, y: np.ndarray) -> np.ndarray:
        """F1 of each sample's label set at threshold 1/2; two empty sets agree (1)."""
        chosen, true = predictions > 0.5, y > 0.5
        both, either = (chosen & true).sum(axis=1), chosen.sum(axis=1) + true.sum(axis=1)
        return np.where(either == 0, 1.0, 2 * both / np.maximum(either, 1))

    def metrics(self, predictions: np.ndarray, y: np.ndarray) -> dict[str, float]:
        chosen, true = (predictions > 0.5).astype(int), (y > 0.5).astype(int)
        found = {
            "samples_f1": float(self.scores(predictions, y).mean()),
            "macro_f1": _f1(true, chosen, "macro"),
            "micro_f1": _f1(true, chosen, "micro"),
            "subset_accuracy": float((chosen == true).all(axis=1).mean()),
            "hamming_loss": float((chosen != true).mean()),
        }
        return self.leading(found)


def _f1(true: np.ndarray, chosen: np.ndarray, average: str) -> float:
    # pyright infers from the default "warn" that zero_division is a string; 0 is documented.
    return float(metrics.f1_score(true, chosen, average=average, zero_division=0))  # pyright: ignore[reportArgumentType]
