"""FixMatch: a certain answer to one view of a target sample is learned for another, harder view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source, stage_groups, stages_above
from headstart.functional.confusion import believe

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class FixMatch(Method):
    """``mean_i loss(f(x_i), y_i) + strength * mean_j 1[max q_j >= threshold] CE(f(x_j'), argmax q_j)``.

    x_i are source samples, x_j the first and x_j' the second view of target samples, q_j = softmax f(x_j) without a
    gradient. Of two views at hand the first is the plain one, the weak one therefore, and the second is augmented.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.
    strength : trade-off; at 0 it is training on the source alone.
    threshold : probability from which an answer is believed, in [0, 1].

    References
    ----------
    Sohn et al., "FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence", NeurIPS 2020, section
    2; across domains: Zhang et al., "Semi-supervised Models are Strong Unsupervised Domain Adaptation Learners", 2021.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})
    n_views: ClassVar[int] = 2

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    strength: float = 1.0
    threshold: float = 0.95

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        assert batch.target is not None
        _, losses = learn_source(nets, batch, self.penalties)
        if self.strength:
            weak, strong = batch.target.views[:2]
            with torch.no_grad():
                taught = nets.network(weak)
            losses["pseudo"] = self.strength * believe(nets.network(strong), taught, self.threshold)
        return losses
