"""One class of several."""

from __future__ import annotations

import numpy as np
from sklearn import metrics
from torch import Tensor
from torch.nn import functional as F

from headstart.functional.calibration import calibration_error
from headstart.tasks.base import TaskLogic, average


class Classification(TaskLogic):
    """Cross-entropy on logits [n, k] against class numbers [n] (int64)."""

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        return average(F.cross_entropy(outputs, y, reduction="none"), weight)

    def predict(self, outputs: Tensor) -> Tensor:
        return outputs.float().softmax(dim=1)

    def scores(self, predictions: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (predictions.argmax(axis=1) == y).astype(np.float64)

    def metrics(self, predictions: np.ndarray, y: np.ndarray) -> dict[str, float]:
        chosen = predictions.argmax(axis=1)
        labels = np.arange(predictions.shape[1])
        clipped = np.clip(predictions, 1e-7, 1.0)
        # pyright infers from the default "warn" that zero_division is a string; 0 is documented.
        f1 = metrics.f1_score(y, chosen, labels=labels, average="macro", zero_division=0)  # pyright: ignore[reportArgumentType]
        return {
            "accuracy": float(np.mean(chosen == y)),
            "balanced_accuracy": float(np.mean([np.mean(chosen[y == c] == c) for c in np.unique(y)])),
            "macro_f1": float(f1),
            "log_loss": float(metrics.log_loss(y, clipped / clipped.sum(1, keepdims=True), labels=labels)),
            "ece": calibration_error(predictions.max(axis=1), chosen == y),
        }
