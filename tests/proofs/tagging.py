"""A tagging stub: one label per token, ragged targets. Its method is plain fine-tuning."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.tasks.base import TaskLogic, average


class TokenHead(nn.Module):
    """Logits of k tags at every token, [n, l, k]."""

    reads = "tokens"

    def __init__(self, width: int, n_tags: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, n_tags)

    def forward(self, state: dict[str, Tensor]) -> Tensor:
        return self.linear(state["hidden"])


class Tagging(TaskLogic):
    """Cross-entropy per token, meaned over a text's tokens and then over texts; a target is [l] tag numbers."""

    def head_of(self, network: Any) -> nn.Module:
        return TokenHead(network.n_features, len(self.task.classes))

    def loss(self, outputs: Tensor, y: Any, weight: Tensor | None = None) -> Tensor:
        each = [F.cross_entropy(output[: len(tags)], tags) for output, tags in zip(outputs, y, strict=True)]
        return average(torch.stack(each), weight)

    def predict(self, outputs: Tensor) -> Tensor:
        return outputs.softmax(dim=-1)

    def scores(self, predictions: np.ndarray, y: Any) -> np.ndarray:
        """Return the share of right tags of each text."""
        pairs = zip(predictions.argmax(axis=-1), y, strict=True)
        return np.array([np.mean(said[: len(tags)] == tags.numpy()) for said, tags in pairs])

    def metrics(self, predictions: np.ndarray, y: Any) -> dict[str, float]:
        return {self.task.metric: float(self.scores(predictions, y).mean())}
