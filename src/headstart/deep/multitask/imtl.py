"""IMTL-G: a step whose projection on every task's gradient is the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.tasks_together import shared_direction, task_losses, together, together_groups
from headstart.functional.aggregation import equal_projections

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class IMTL(Method):
    """``(sum_i w_i g_i) . g_j / |g_j|`` equal for all tasks j, ``sum_i w_i = 1``.

    g_i [p] are the gradients of the stages; the head learns from each task's own loss. It is not linear in the batch,
    which is therefore not cut.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Liu et al., "Towards Impartial Multi-task Learning", ICLR 2021, equation 6.
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
        shared_direction(losses, nets, equal_projections)
