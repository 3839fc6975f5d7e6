"""Dynamic weight average: tasks whose losses fall slowly count more."""

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
class DynamicWeightAverage(Weighting):
    """``sum_i w_i L_i``, w the softmax of ``(l_i(e - 1) / l_i(e - 2)) / T``, l_i(e) the mean loss of task i in round e.

    A round is ``length`` steps here, whatever the size of the data; the first two have equal weights.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's. temperature : T > 0. length : of a round, in
        steps.

    References
    ----------
    Liu, Johns and Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019, equation 7.
    """

    temperature: float = 2.0
    length: int = 20

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return together(network, task, past=Past(len(task.parts)))  # type: ignore[attr-defined]

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        update(lambda part: self.loss(nets, part, progress))
        with torch.no_grad():
            nets.past.add(torch.stack(list(task_losses(nets, batch).values())), self.length)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        losses, weights = task_losses(nets, batch), nets.past.weights(self.temperature)
        return {name: weight * loss for (name, loss), weight in zip(losses.items(), weights, strict=True)}


class Past(nn.Module):
    """Sums of the losses of t tasks in this round, and their means in the two before."""

    sums: Tensor
    means: Tensor
    steps: Tensor

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.register_buffer("sums", torch.zeros(tasks))
        self.register_buffer("means", torch.zeros(2, tasks))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def add(self, losses: Tensor, length: int) -> None:
        self.sums += losses
        self.steps += 1
        if self.steps % length == 0:
            self.means.copy_(torch.stack([self.sums / length, self.means[0]]))
            self.sums.zero_()

    def weights(self, temperature: float) -> Tensor:
        if not self.means[1].all():
            return torch.full_like(self.sums, 1 / len(self.sums))
        return (self.means[0] / self.means[1] / temperature).softmax(dim=0)
