"""Group DRO: the domains in which the loss is large count for more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from headstart.deep.method import Batch, Group, Losses, Method, Nets, Rows, Update
from headstart.deep.parts import begin, learn_source, stage_groups, stages_above
from headstart.deep.roles import by_domain

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class GroupDRO(Method):
    """``sum_e q_e loss_e``, loss_e the mean in domain e, and ``q_e = exp(s_e) / sum exp(s)``, ``s_e += eta * loss_e``.

    The weights q rise after every step where the loss is large, towards the worst domain. The loss is of domains, not
    of samples, and so couples the batch's samples.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    eta : step of the weights; at 0 it is ERM.

    References
    ----------
    Sagawa et al., "Distributionally Robust Neural Networks for Group Shifts: On the Importance of Regularization for
    Worst-Case Generalization", ICLR 2020, algorithm 1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "domains"})
    couples: ClassVar[bool] = True

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    eta: float = 0.1

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def survey(self, nets: Nets, rows: Rows) -> dict[str, Tensor]:
        return nets.memory  # the scores of the domains live on from epoch to epoch

    def step(self, nets: Nets, batch: Batch, progress: float, update: Update) -> None:
        found: dict[int, Tensor] = {}
        update(lambda part: self.weighed(nets, part, found))
        if self.eta:
            nets.memory["scores"] = raised(nets.memory.get("scores"), found, self.eta)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        return self.weighed(nets, batch, {})

    def weighed(self, nets: Nets, batch: Batch, found: dict[int, Tensor]) -> Losses:
        """Return the domains' losses weighed by their scores so far; put each into ``found`` by its number."""
        passed, losses = learn_source(nets, batch, self.penalties)
        if not self.eta:
            return losses
        found.update({number: nets.task.loss(*part) for number, part in by_domain(batch, passed.outputs).items()})
        risks = torch.stack(list(found.values()))
        scores = raised(nets.memory.get("scores"), found, 0.0)[list(found)]
        return losses | {"task": (scores.softmax(dim=0).to(risks) * risks).sum()}


def raised(scores: Tensor | None, risks: dict[int, Tensor], eta: float) -> Tensor:
    """Return the scores [D] (none yet: 0), each raised by ``eta`` times its domain's loss."""
    some = next(iter(risks.values())).detach()
    known = some.new_zeros(0) if scores is None else scores
    out = torch.cat([known, known.new_zeros(max(0, max(risks) + 1 - len(known)))])
    for number, risk in risks.items():
        out[number] += eta * risk.detach()
    return out
