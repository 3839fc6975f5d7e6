"""Risk extrapolation: the loss is alike in all domains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source, stage_groups, stages_above
from headstart.deep.roles import by_domain

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class VREx(Method):
    """``mean_i loss(f(x_i), y_i) + strength * Var_e(loss_e)``, loss_e the mean in domain e, the variance over domains.

    Where the losses are equal, a domain further out in the same direction of change has that loss too. The variance
    is of means, and so couples the batch's samples.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    strength : trade-off; at 0 it is ERM. warmup : share of the training before the penalty counts, in [0, 1].

    References
    ----------
    Krueger et al., "Out-of-Distribution Generalization via Risk Extrapolation (REx)", ICML 2021, equation 8.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "domains"})
    couples: ClassVar[bool] = True

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 10.0
    warmup: float = 0.1

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        passed, losses = learn_source(nets, batch, self.penalties)
        if self.strength and progress >= self.warmup:
            risks = [nets.task.loss(*part) for part in by_domain(batch, passed.outputs).values()]
            losses["variance"] = self.strength * torch.stack(risks).var(correction=0)
        return losses
