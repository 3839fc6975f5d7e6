"""SimCLR: two views of a sample are each other's nearest among all of the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.blind import blind, blind_groups, projector, two_views
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.functional.contrast import normalised_temperature

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class SimCLR(Method):
    """``mean_a -log exp(cos(z_a, z_b) / T) / sum_{c != a} exp(cos(z_a, z_c) / T)``, over the 2 n views of n samples.

    z = g(f(x)) [2 n, width] is the projection g of the network's features, b the other view of a's sample
    (`headstart.functional.contrast.normalised_temperature`). It couples the batch's samples, and wants large ones.

    Parameters
    ----------
    temperature : T > 0. width : of the projection, which is dropped after training.

    References
    ----------
    Chen, Kornblith, Norouzi and Hinton, "A Simple Framework for Contrastive Learning of Visual Representations", ICML
    2020, equation 1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})
    n_views: ClassVar[int] = 2
    couples: ClassVar[bool] = True

    temperature: float = 0.2
    width: int = 64

    def build(self, network: Network, task: TaskLogic) -> Nets:
        return blind(network, task, projector=projector(network.n_features, network.n_features, self.width))

    def groups(self, nets: Nets) -> list[Group]:
        return blind_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        first, second = (nets.projector(nets.network.features(view)) for view in two_views(batch))
        return {"contrast": normalised_temperature(first, second, self.temperature)}
