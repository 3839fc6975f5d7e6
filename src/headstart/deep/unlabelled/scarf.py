"""SCARF: a row and a copy with cells of other rows are each other's nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.blind import blind, blind_groups, inputs, is_table, projector, swapped
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.errors import UserError
from headstart.functional.contrast import normalised_temperature

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class SCARF(Method):
    """``mean_a -log exp(cos(z_a, z_b) / T) / sum_{c != a} exp(cos(z_a, z_c) / T)``, rows and their corrupted copies.

    A copy has each cell, with probability ``share``, from another row of the batch, that is from the column's own
    distribution; z = g(f(x)) [2 n, width] is the projection g of the network's features. It couples the batch's
    samples.

    Parameters
    ----------
    share : of a row's cells that are corrupted, in (0, 1). temperature : T > 0.
    width : of the projection, which is dropped after training.

    References
    ----------
    Bahri, Jiang, Tay and Metzler, "SCARF: Self-Supervised Contrastive Learning using Random Feature Corruption", ICLR
    2022, algorithm 1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})
    couples: ClassVar[bool] = True

    share: float = 0.6
    temperature: float = 1.0
    width: int = 64

    def build(self, network: Network, task: TaskLogic) -> Nets:
        if network.preprocess.modality != "table":
            raise UserError(
                f"SCARF swaps the cells of a table's rows, and this network takes {network.preprocess.modality} input; "
                "choose denoising, simclr or another method."
            )
        return blind(network, task, projector=projector(network.n_features, network.n_features, self.width))

    def groups(self, nets: Nets) -> list[Group]:
        return blind_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        x = inputs(batch)
        assert is_table(x)
        first, second = (nets.projector(nets.network.features(one)) for one in (x, swapped(x, self.share)))
        return {"contrast": normalised_temperature(first, second, self.temperature)}
