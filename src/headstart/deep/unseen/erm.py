"""Empirical risk minimisation: all labelled source samples as one, whatever their domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source, stage_groups, stages_above

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class ERM(Method):
    """``mean_i loss(f(x_i), y_i)``, x_i source samples of one or several domains: training on the source alone.

    With several domains it is the baseline that most methods for unseen domains do not beat by much; with one it is
    what every method across domains is at strength 0.

    Parameters
    ----------
    depth : number of last stages that learn; None for all. body_rate : their learning rate, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Vapnik, "Statistical Learning Theory", Wiley 1998; as a baseline: Gulrajani and Lopez-Paz, "In Search of Lost Domain
    Generalization", ICLR 2021.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels"})

    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return stages_above(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return stage_groups(nets, head_rate=1.0, body_rate=self.body_rate, stage_decay=1.0)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        return learn_source(nets, batch, self.penalties)[1]
