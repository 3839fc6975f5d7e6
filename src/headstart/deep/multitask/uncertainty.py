"""Uncertainty weighting: each task's weight is learned with the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from headstart.deep.method import Batch, Losses, Nets
from headstart.deep.tasks_together import Weighting, task_losses, together

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class UncertaintyWeights(Weighting):
    """``sum_i (exp(-s_i) L_i + s_i / 2) / t``, s_i learned from 0: the logarithm of the noise's variance.

    A loss that stays large is trusted less.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and Semantics",
    CVPR 2018, equation 7.
    """

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return together(network, task, noise=Noise(len(task.parts)))  # type: ignore[attr-defined]

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        losses, logs = task_losses(nets, batch), nets.noise.logs
        weighed = {name: (-log).exp() * loss for (name, loss), log in zip(losses.items(), logs, strict=True)}
        return {name: loss / len(losses) for name, loss in weighed.items()} | {"noise": logs.mean() / 2}


class Noise(nn.Module):
    """Logarithms of the variances of t tasks."""

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.logs = nn.Parameter(torch.zeros(tasks))
