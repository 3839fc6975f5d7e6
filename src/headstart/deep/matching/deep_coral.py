"""Deep CORAL: features whose covariances agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep import across
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source
from headstart.functional.moments import coral_distance

if TYPE_CHECKING:
    from headstart.deep.penalty import Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class DeepCORAL(Method):
    """``mean_i loss(f(x_i), y_i) + strength * ||C_s - C_t||_F^2 / (4 d^2)``.

    x_i are source samples, and C_s, C_t [d, d] the covariances of the features g(x) [n, d] of each domain in the batch.

    Parameters
    ----------
    strength : trade-off; at 0 it is training on the source alone.
    depth : number of last stages that learn; None for all.
    body_rate : learning rate of the stages, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Sun and Saenko, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation", ECCV workshops 2016.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    couples: ClassVar[bool] = True

    strength: float = 1.0
    depth: int | None = None
    body_rate: float = 1.0
    penalties: tuple[Penalty, ...] = ()

    def frozen_stages(self, network: Network) -> int:
        return across.frozen_below(network, self.depth)

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return begin(network, task, self.frozen_stages(network), self.penalties)

    def groups(self, nets: Nets) -> list[Group]:
        return across.players(nets, self.body_rate)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        source, losses = learn_source(nets, batch, self.penalties)
        if self.strength:
            target = across.see_target(nets, batch)
            losses["coral"] = self.strength * coral_distance(source.features, target.features)
        return losses

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        source, target = across.both(nets, batch)
        return {"coral": float(coral_distance(source.features, target.features))}
