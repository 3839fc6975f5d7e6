"""VICReg: two views agree, every dimension varies, and no two dimensions say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.blind import blind, blind_groups, projector, two_views
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.functional.contrast import covariance, spread_missing

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class VICReg(Method):
    """``invariance |z - z'|^2 / (n d) + variance (v(z) + v(z')) / 2 + covariance (c(z) + c(z'))``.

    z, z' [n, d] are projections of the features of two views; v is the mean over dimensions of
    ``max(0, 1 - sqrt(var + 1e-4))``, c the sum of squared covariances of different dimensions over d
    (`headstart.functional.contrast`). It couples the batch's samples.

    Parameters
    ----------
    invariance, variance, covariance : trade-offs. width : d, of the projection, which is dropped after training.

    References
    ----------
    Bardes, Ponce and LeCun, "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised Learning", ICLR
    2022, equations 1 to 6.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})
    n_views: ClassVar[int] = 2
    couples: ClassVar[bool] = True

    invariance: float = 25.0
    variance: float = 25.0
    covariance: float = 1.0
    width: int = 128

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return blind(network, task, projector=projector(network.n_features, network.n_features, self.width))

    def groups(self, nets: Nets) -> list[Group]:
        return blind_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        first, second = (nets.projector(nets.network.features(view)) for view in two_views(batch))
        return {
            "invariance": self.invariance * (first - second).square().mean(),
            "variance": self.variance * (spread_missing(first) + spread_missing(second)) / 2,
            "covariance": self.covariance * (covariance(first) + covariance(second)),
        }
