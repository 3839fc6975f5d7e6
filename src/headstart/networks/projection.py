"""A last stage into a space that two networks share: what pairs are compared in."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from headstart.networks.network import Network

STAGE = "project"
PAIRS, SIDES = "pairs.json", ("left", "right")
"""The file that tells a model of two sides from one of one, and the folders of the sides beside it."""


class Projection(nn.Module):
    """The network's pooling, and a linear map of its features: a state to [n, width]."""

    def __init__(self, pool: nn.Module, n_features: int, width: int) -> None:
        super().__init__()
        self.pool = pool
        self.map = nn.Linear(n_features, width, bias=False)

    def forward(self, state: Any) -> Tensor:
        return self.map(self.pool(state))


def project(network: Network, width: int) -> Network:
    """Add the stage ``project`` to a network, drawn from torch's generator; its features are then [n, width]."""
    network.stages[STAGE] = Projection(network.pool, network.n_features, width)
    network.pool, network.n_features = nn.Identity(), width
    network.spec = network.spec | {"projected": width}
    return network
