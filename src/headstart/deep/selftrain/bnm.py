"""Batch nuclear-norm maximisation: answers on the target that are certain and diverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, forward, learn_source, stage_groups, stages_above, unlabelled
from headstart.functional.confusion import nuclear_norm

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class BNM(Method):
    """``mean_i loss(f(x_i), y_i) - strength * ||P||_* / n``, P [n, k] = softmax f(x_j) of the target's batch of n.

    The nuclear norm, the sum of singular values, is largest where every answer is certain and classes are equally
    frequent. It couples the batch's samples.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    strength : trade-off; at 0 it is training on the source alone.

    References
    ----------
    Cui et al., "Towards Discriminability and Diversity: Batch Nuclear-norm Maximization under Label Insufficient
    Situations", CVPR 2020, equation 11.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    couples: ClassVar[bool] = True

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 1.0

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        _, losses = learn_source(nets, batch, self.penalties)
        if self.strength:
            outputs = forward(nets.network, unlabelled(batch)).outputs
            p = outputs.softmax(dim=1)
            losses["nuclear"] = -self.strength * nuclear_norm(p) / len(p)
        return losses
