"""Dual encoders: two networks learn a space in which the sides of a pair are near each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.deep.blind import blind, blind_groups
from headstart.deep.method import Batch, Group, Losses, Method, Nets
from headstart.deep.two_sides import Steepness, other_side, sides
from headstart.functional.contrast import paired_contrast

if TYPE_CHECKING:
    from headstart.networks.network import Network
    from headstart.tasks import TaskLogic


@dataclass(kw_only=True)
class Contrastive(Method):
    """``(L(a, b) + L(b, a)) / 2``, ``L(a, b) = -mean_i mean_{j in P_i} log softmax_j s cos(a_i, b_j)``.

    a = f(x) and b = g(y) [n, d] are both sides' features, f the network and g that of the other side; s is learned with
    them, at most 100. P_i holds i and what equals its x or y (`headstart.functional.contrast.paired_contrast`). It
    couples the batch's samples, and wants large ones.

    Parameters
    ----------
    temperature : 1 / s at the start, > 0.

    References
    ----------
    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021, figure 3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs", "source_inputs"})
    couples: ClassVar[bool] = True

    temperature: float = 0.07

    def build(self, network: Network, task: TaskLogic) -> Nets:
        other = other_side(network, task)
        other.head.requires_grad_(False)
        return blind(network, task, other=other, steepness=Steepness(self.temperature))

    def groups(self, nets: Nets) -> list[Group]:
        return blind_groups(nets)

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        left, right = sides(batch)
        first, second = nets.network.features(left.x), nets.other.features(right.x)
        return {"contrast": paired_contrast(first, second, nets.steepness(), (left.y, right.y))}

    def measures(self, nets: Nets, batch: Batch) -> dict[str, float]:
        return {"steepness": float(nets.steepness().detach())}
