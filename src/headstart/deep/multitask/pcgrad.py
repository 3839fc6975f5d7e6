"""PCGrad: a task gives up the part of its gradient that points against another task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.tasks_together import shared_direction, task_losses, together, together_groups
from headstart.functional.aggregation import projected_conflicts

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class PCGrad(Method):
    """``g_i <- g_i - min(0, g_i . g_j) / |g_j|^2 g_j`` over tasks j in a random order; then their mean.

    g_i [p] are the gradients of the stages; the head learns from each task's own loss. It is not linear in the batch,
    which is therefore not cut.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Yu et al., "Gradient Surgery for Multi-Task Learning", NeurIPS 2020, algorithm 1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})
    couples: ClassVar[bool] = True

    body_rate: float = 1.0

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return together(network, task)

    def groups(self, nets: Nets) -> list[Group]:
        return together_groups(nets, self.body_rate)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        return task_losses(nets, batch)

    def backward(self, losses: Losses, nets: Nets) -> None:
        random = np.random.default_rng(int(torch.randint(2**31, ())))
        shared_direction(losses, nets, lambda gram: projected_conflicts(gram, random))
