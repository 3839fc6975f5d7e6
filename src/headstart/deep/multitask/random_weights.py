"""Random loss weighting: other weights in every step."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from headstart.deep.method import Batch, Losses, Nets
from headstart.deep.tasks_together import Weighting, task_losses


@dataclass(kw_only=True)
class RandomWeights(Weighting):
    """``sum_i w_i L_i``, w the softmax of t standard normal numbers that are drawn anew in every step.

    A baseline that costs nothing and is often as good as what costs more.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Lin et al., "Reasonable Effectiveness of Random Weighting: A Litmus Test for Multi-Task Learning", TMLR 2022.
    """

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        losses = task_losses(nets, batch)
        weights = torch.randn(len(losses)).softmax(dim=0)
        return {name: weight * loss for (name, loss), weight in zip(losses.items(), weights, strict=True)}
