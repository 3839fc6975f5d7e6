"""People told apart by the angle of their features, so that people never seen are too."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.tasks.base import average
from headstart.tasks.classification import Classification

MARGIN, SCALE = 0.3, 30.0


class CosineHead(nn.Module):
    """The cosine of features [n, d] with a direction per class, [n, k]."""

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_classes, n_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw directions anew from torch's generator."""
        nn.init.normal_(self.weight)

    def forward(self, features: Tensor) -> Tensor:
        return F.normalize(features.float(), dim=1) @ F.normalize(self.weight, dim=1).T


class ArcFace(Classification):
    """Cross-entropy of scaled cosines, the angle to the own class widened by a margin.

    ``-log softmax_y(s cos(theta_y + m), s cos(theta_j))`` with theta_j the angle between the features and class j.

    References
    ----------
    Deng, Guo, Xue and Zafeiriou, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019, eq. 3.
    """

    def head(self, n_features: int) -> nn.Module:
        return CosineHead(n_features, self.task.n_outputs)

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        own = outputs.gather(1, y[:, None]).clamp(-1 + 1e-6, 1 - 1e-6)
        # Beyond pi - m the cosine would rise again; there the margin is taken from the cosine itself, as the paper's
        # code does, which keeps the loss falling in the angle.
        widened = torch.where(own > -math.cos(MARGIN), (own.arccos() + MARGIN).cos(), own - MARGIN * math.sin(MARGIN))
        return average(F.cross_entropy(SCALE * outputs.scatter(1, y[:, None], widened), y, reduction="none"), weight)

    def predict(self, outputs: Tensor) -> Tensor:
        return (SCALE * outputs.float()).softmax(dim=1)
