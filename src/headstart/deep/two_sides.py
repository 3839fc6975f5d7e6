"""What methods of pairs share: the other side's network, both sides of a batch, a learned steepness."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from headstart.deep.method import Batch, Samples

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic

STEEPEST = 100.0


class Steepness(nn.Module):
    """A learned factor of cosines, ``min(exp(log), 100)``: one over the temperature (Radford et al., ICML 2021)."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.log = nn.Parameter(torch.tensor(math.log(1 / temperature)))

    def forward(self) -> Tensor:
        return self.log.exp().clamp(max=STEEPEST)


def other_side(network: Network, task: TaskLogic) -> Network:
    """Return the network of the other side, which the task brings; without one the two sides start alike."""
    return getattr(task, "other", None) or copy.deepcopy(network)


def sides(batch: Batch) -> tuple[Samples, Samples]:
    """Return both sides of a batch of pairs: that of the network, and the other."""
    if batch.target is None or batch.source is None:
        raise ValueError("This method learns from pairs, but the batch lacks a side.")
    return batch.target, batch.source
