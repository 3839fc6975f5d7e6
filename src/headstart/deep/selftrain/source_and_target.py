"""S+T: the source's labels and the few labels of the target, learned from together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, forward, learn_source, stage_groups, stages_above, unlabelled
from headstart.deep.roles import learn_given

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class SourceAndTarget(Method):
    """``mean_i loss(f(x_i), y_i) + strength * mean_j loss(f(x_j), y_j)``, j over the target samples that have a label.

    Both means count the same, however few labels the target has; a batch without any adds nothing. The second mean
    is over as many samples as happen to be labelled, and so couples the batch's samples.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    strength : of the target's labels.

    References
    ----------
    The baseline S+T of Saito et al., "Semi-supervised Domain Adaptation via Minimax Entropy", ICCV 2019, section 4.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "some_target_labels"})
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
            losses["target"] = self.strength * learn_given(nets, batch, outputs)
        return losses
