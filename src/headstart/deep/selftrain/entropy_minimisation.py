"""Entropy minimisation: certain answers on the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, forward, learn_source, stage_groups, stages_above, unlabelled
from headstart.functional.confusion import entropy
from headstart.functional.reverse import rising

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class EntropyMinimisation(Method):
    """``mean_i loss(f(x_i), y_i) + strength * r(p) * mean_j H(softmax f(x_j))``, H the entropy in nats.

    x_i are source samples, x_j target samples; r(p) = 2 / (1 + exp(-10 p)) - 1 rises with the progress p, so that the
    source is learned before the target's answers are believed. Alone it may put all of the target into few classes.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    strength : trade-off; at 0 it is training on the source alone.

    References
    ----------
    Grandvalet and Bengio, "Semi-supervised Learning by Entropy Minimization", NeurIPS 2004, equation 6; across domains:
    Long et al., "Unsupervised Domain Adaptation with Residual Transfer Networks", NeurIPS 2016, section 3.2.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 0.3

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
            losses["entropy"] = self.strength * rising(progress) * entropy(outputs).mean()
        return losses
