"""Barlow Twins: the correlations of two views' dimensions are those of the identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.blind import blind, blind_groups, projector, two_views
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.functional.contrast import cross_correlation

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class BarlowTwins(Method):
    """``sum_i (1 - C_ii)^2 + redundancy sum_{i != j} C_ij^2``, C [d, d] the correlations of z with z' over the batch.

    z, z' [n, d] are projections of the features of two views. It couples the batch's samples.

    Parameters
    ----------
    redundancy : trade-off. width : d, of the projection, which is dropped after training.

    References
    ----------
    Zbontar, Jing, Misra, LeCun and Deny, "Barlow Twins: Self-Supervised Learning via Redundancy Reduction", ICML 2021,
    equations 1 and 2.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})
    n_views: ClassVar[int] = 2
    couples: ClassVar[bool] = True

    redundancy: float = 5e-3
    width: int = 128

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return blind(network, task, projector=projector(network.n_features, network.n_features, self.width))

    def groups(self, nets: Nets) -> list[Group]:
        return blind_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        first, second = (nets.projector(nets.network.features(view)) for view in two_views(batch))
        found = cross_correlation(first, second)
        own = found.diagonal()
        return {
            "invariance": (1 - own).square().sum(),
            "redundancy": self.redundancy * (found.square().sum() - own.square().sum()),
        }
