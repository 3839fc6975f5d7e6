"""FAMO: weights under which all losses fall at one rate, learned from how they fell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from headstart.deep.method import Batch, Losses, Nets, Update
from headstart.deep.tasks_together import Weighting, task_losses, together

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class FAMO(Weighting):
    """``c sum_i z_i log L_i``, z = softmax(xi), c such that the weights ``c z_i / L_i`` sum to 1.

    After each step ``xi <- (1 - decay) xi - rate J^T d``, d_i the fall of log L_i on the same batch, J of the softmax.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's. rate, decay : of xi.

    References
    ----------
    Liu et al., "FAMO: Fast Adaptive Multitask Optimization", NeurIPS 2023, algorithm 1.
    """

    rate: float = 0.025
    decay: float = 1e-3

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return together(network, task, shares=Shares(len(task.parts)))  # type: ignore[attr-defined]

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        with torch.no_grad():
            before = _stacked(task_losses(nets, batch))
        update(lambda part: self.loss(nets, part, progress))
        with torch.no_grad():
            fall = before.log() - _stacked(task_losses(nets, batch)).log()
            z = nets.shares.xi.softmax(dim=0)
            nets.shares.xi.mul_(1 - self.decay).sub_(self.rate * z * (fall - (z * fall).sum()))

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        losses = task_losses(nets, batch)
        with torch.no_grad():
            weights = nets.shares.xi.softmax(dim=0) / _stacked(losses)
            weights = weights / weights.sum()
        return {name: weight * loss for (name, loss), weight in zip(losses.items(), weights, strict=True)}


class Shares(nn.Module):
    """Logits of t tasks' weights."""

    xi: Tensor

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.register_buffer("xi", torch.zeros(tasks))


def _stacked(losses: Losses) -> Tensor:
    return torch.stack(list(losses.values())).clamp(min=1e-8)
