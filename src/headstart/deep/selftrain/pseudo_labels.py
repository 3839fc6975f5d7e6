"""Pseudo-labels: the target's certain answers are learned from as if they were labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, forward, learn_source, stage_groups, stages_above, unlabelled
from headstart.functional.confusion import believe
from headstart.functional.reverse import rising

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class PseudoLabels(Method):
    """``mean_i loss(f(x_i), y_i) + strength * r(p) * mean_j 1[max q_j >= threshold] CE(f(x_j), argmax q_j)``.

    x_i are source samples, x_j target samples, q_j = softmax f(x_j) without a gradient; the mean is over all target
    samples, also those below the threshold; r(p) = 2 / (1 + exp(-10 p)) - 1 rises with the progress p.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    strength : trade-off; at 0 it is training on the source alone.
    threshold : probability from which an answer is believed, in [0, 1].

    References
    ----------
    Lee, "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks", ICML
    workshop 2013; the threshold: French, Mackiewicz and Fisher, "Self-ensembling for visual domain adaptation", ICLR
    2018, section 3.2.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 1.0
    threshold: float = 0.9

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
            losses["pseudo"] = self.strength * rising(progress) * believe(outputs, outputs, self.threshold)
        return losses
