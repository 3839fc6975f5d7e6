"""Equal weights: the mean of the tasks' losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.tasks_together import task_losses, together, together_groups

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class EqualWeights(Method):
    """``sum_i L_i / t``, L_i the mean loss of task i over the samples whose label is given.

    One body, one linear head per task (hard sharing).

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Caruana, "Multitask Learning", Machine Learning 1997.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})

    body_rate: float = 1.0

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return together(network, task)

    def groups(self, nets: Nets) -> list[Group]:
        return together_groups(nets, self.body_rate)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        losses = task_losses(nets, batch)
        return {name: loss / len(losses) for name, loss in losses.items()}
