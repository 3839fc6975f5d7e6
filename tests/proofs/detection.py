"""A detection stub: boxes from the maps of several stages, with ragged targets. Its method is plain fine-tuning."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.problem import Task
from headstart.tasks.base import TaskLogic, average


class BoxHead(nn.Module):
    """Logits of k classes and a box (x, y, x, y in 0..1) at every place of every map: outputs [n, places, k + 4]."""

    def __init__(self, channels: dict[str, int], n_classes: int) -> None:
        super().__init__()
        self.reads = tuple(channels)
        self.layers = nn.ModuleDict({name: nn.Conv2d(c, n_classes + 4, 1) for name, c in channels.items()})
        start = torch.tensor([-4.0] * n_classes + [-0.2, -0.2, 0.2, 0.2])  # nothing, and a box about the place
        for layer in self.layers.values():
            layer.bias.data.copy_(start)

    def forward(self, maps: dict[str, Tensor]) -> Tensor:
        return torch.cat([self._level(self.layers[name](maps[name])) for name in self.reads], dim=1)

    def _level(self, level: Tensor) -> Tensor:
        ys, xs = (torch.arange(size, device=level.device).add(0.5) / size for size in level.shape[2:])
        y, x = torch.meshgrid(ys, xs, indexing="ij")
        classes, corners = level[:, :-4], level[:, -4:] + torch.stack([x, y, x, y])
        return torch.cat([classes, corners], dim=1).flatten(2).transpose(1, 2)


class Detection(TaskLogic):
    """Sigmoid cross-entropy of classes at all places, and the error of the boxes at the places nearest to objects.

    A target is ``{"boxes": [m, 4], "labels": [m]}``; m differs from picture to picture and may be 0.
    """

    def __init__(self, task: Task, channels: dict[str, int]) -> None:
        super().__init__(task)
        self.channels = channels

    def head_of(self, network: Any) -> nn.Module:
        return BoxHead(self.channels, len(self.task.classes))

    def loss(self, outputs: Tensor, y: Any, weight: Tensor | None = None) -> Tensor:
        return average(torch.stack([self._one(*pair) for pair in zip(outputs, y, strict=True)]), weight)

    def _one(self, output: Tensor, target: dict[str, Tensor]) -> Tensor:
        logits, boxes = output[:, :-4], output[:, -4:]
        wanted, truth = torch.zeros_like(logits), target["boxes"].to(boxes)
        near = torch.cdist(truth, boxes.detach()).argmin(dim=1)
        wanted[near, target["labels"]] = 1.0
        seen = F.binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
        return seen + 5 * (boxes[near] - truth).abs().sum()

    def predict(self, outputs: Tensor) -> Tensor:
        return torch.cat([outputs[..., :-4].sigmoid(), outputs[..., -4:]], dim=-1)

    def scores(self, predictions: np.ndarray, y: Any) -> np.ndarray:
        """Return 1 for each picture whose surest box has the class, and covers half of one, of its objects."""
        return np.array([self._found(torch.as_tensor(p), target) for p, target in zip(predictions, y, strict=True)])

    def _found(self, prediction: Tensor, target: dict[str, Tensor]) -> float:
        place, label = divmod(int(prediction[:, :-4].argmax()), prediction.shape[1] - 4)
        overlap = torch.stack([iou(prediction[place, -4:], box) for box in target["boxes"]])
        return float(((overlap > 0.5) & (target["labels"] == label)).any())

    def metrics(self, predictions: np.ndarray, y: Any) -> dict[str, float]:
        return {self.task.metric: float(self.scores(predictions, y).mean())}


def iou(a: Tensor, b: Tensor) -> Tensor:
    sides = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp(min=0)
    areas = [(box[2:] - box[:2]).clamp(min=0).prod() for box in (a, b)]
    return sides.prod() / (areas[0] + areas[1] - sides.prod()).clamp(min=1e-9)
