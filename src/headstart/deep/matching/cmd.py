"""Central moment discrepancy: features whose means, spreads and further moments agree, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from headstart.deep import across
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.parts import begin, learn_source
from headstart.functional.moments import moment_distance

if TYPE_CHECKING:
    from headstart.deep.penalty import Passed, Penalty
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class CMD(Method):
    """``mean_i loss(f(x_i), y_i) + strength * sum_{k=1..orders} |m_k(x_s) - m_k(x_t)| / 2^k``.

    x_i are source samples, m_1 [d] the means and m_k [d] the k-th central moments of the features g(x), squashed to lie
    between -1 and 1 (`headstart.functional.moments.moment_distance`).

    Parameters
    ----------
    strength : trade-off; at 0 it is training on the source alone.
    orders : number of moments.
    depth : number of last stages that learn; None for all.
    body_rate : learning rate of the stages, as a share of the run's.
    penalties : added to the loss on the source.

    References
    ----------
    Zellinger et al., "Central Moment Discrepancy (CMD) for Domain-Invariant Representation Learning", ICLR 2017.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})
    couples: ClassVar[bool] = True

    strength: float = 1.0
    orders: int = 5
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
            losses["moments"] = self.strength * self._distance(source, across.see_target(nets, batch))
        return losses

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        return {"moments": float(self._distance(*across.both(nets, batch)))}

    def _distance(self, source: Passed, target: Passed) -> Tensor:
        return moment_distance(source.features, target.features, self.orders)
