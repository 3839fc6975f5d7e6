"""CAGrad: near the mean gradient, the step that helps the worst task most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.tasks_together import shared_direction, task_losses, together, together_groups
from headstart.functional.aggregation import conflict_averse

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class CAGrad(Method):
    """``max_d min_i g_i . d`` with ``|d - g_0| <= c |g_0|``, g_0 [p] the mean gradient.

    g_i [p] are the gradients of the stages; the head learns from each task's own loss. It is not linear in the batch,
    which is therefore not cut.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's. c : radius, in [0, 1); at 0 it is the mean.

    References
    ----------
    Liu et al., "Conflict-Averse Gradient Descent for Multi-task Learning", NeurIPS 2021, equation 4.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})
    couples: ClassVar[bool] = True

    body_rate: float = 1.0
    c: float = 0.4

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return together(network, task)

    def groups(self, nets: Nets) -> list[Group]:
        return together_groups(nets, self.body_rate)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        return task_losses(nets, batch)

    def backward(self, losses: Losses, nets: Nets) -> None:
        shared_direction(losses, nets, lambda gram: conflict_averse(gram, self.c))
