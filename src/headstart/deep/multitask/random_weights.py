"""Random loss weighting: other weights in every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.tasks_together import task_losses, together, together_groups

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class RandomWeights(Method):
    """``sum_i w_i L_i``, w the softmax of t standard normal numbers that are drawn anew in every step.

    A baseline that costs nothing and is often as good as what costs more.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Lin et al., "Reasonable Effectiveness of Random Weighting: A Litmus Test for Multi-Task Learning", TMLR 2022.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})

    body_rate: float = 1.0

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return together(network, task)

    def groups(self, nets: Nets) -> list[Group]:
        return together_groups(nets, self.body_rate)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        losses = task_losses(nets, batch)
        weights = torch.randn(len(losses)).softmax(dim=0)
        return {name: weight * loss for (name, loss), weight in zip(losses.items(), weights, strict=True)}
