"""Invariant risk minimisation: features on which one head is best in every domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source, stage_groups, stages_above
from headstart.deep.roles import by_domain

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class IRM(Method):
    """``mean_i loss(f(x_i), y_i) + strength * mean_e ||d/dw loss_e(w f)||^2 at w = 1``, loss_e the mean in domain e.

    The penalty is 0 where scaling the answers would help in no domain. It is the square of a mean, and so couples
    the batch's samples.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    strength : trade-off; at 0 it is ERM. warmup : share of the training before the penalty counts, in [0, 1].

    References
    ----------
    Arjovsky et al., "Invariant Risk Minimization", arXiv 2019, section 3.1 (IRMv1); the warm-up: Gulrajani and
    Lopez-Paz, "In Search of Lost Domain Generalization", ICLR 2021, appendix D.
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
            found = [
                tilt(nets.task, outputs, y, weight) for outputs, y, weight in by_domain(batch, passed.outputs).values()
            ]
            losses["invariance"] = self.strength * torch.stack(found).mean()
        return losses


def tilt(task: TaskLogic, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the squared derivative of the task's loss by a factor on the outputs, at 1."""
    factor = torch.ones((), device=outputs.device, requires_grad=True)
    (slope,) = torch.autograd.grad(task.loss(factor * outputs, y, weight), factor, create_graph=True)
    return slope.square()
