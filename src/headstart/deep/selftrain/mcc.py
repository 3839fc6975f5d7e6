"""Minimum class confusion: a batch of the target whose classes are not mixed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, forward, learn_source, stage_groups, stages_above, unlabelled
from headstart.functional.confusion import class_confusion

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class MCC(Method):
    """``mean_i loss(f(x_i), y_i) + strength * sum_{c != d} C_cd / k``, c, d of k classes.

    C [k, k] is the correlation of the tempered answers on the batch of the target, weighed by their certainty, rows
    summing to one (see `headstart.functional.confusion.class_confusion`). It couples the batch's samples.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    strength : trade-off; at 0 it is training on the source alone. temperature : T > 0 of the answers.

    References
    ----------
    Jin et al., "Minimum Class Confusion for Versatile Domain Adaptation", ECCV 2020, section 3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    couples: ClassVar[bool] = True

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 1.0
    temperature: float = 2.5

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
            losses["confusion"] = self.strength * class_confusion(outputs, self.temperature)
        return losses
