"""An average of a network's weights, which answers in its place."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from headstart.networks.network import Network


def averaging_copy(network: Network) -> Network:
    """Return a copy of ``network`` without gradients, for `move_average`; frozen stages are shared."""
    shared = [network.preprocess, *list(network.stages.values())[: network.frozen]]
    return copy.deepcopy(network, {id(part): part for part in shared}).requires_grad_(False)


@torch.no_grad()
def move_average(average: Network, network: Network, decay: float) -> None:
    """Move an average of weights: ``a <- decay * a + (1 - decay) * w``; running statistics are those of ``network``."""
    for mine, theirs in zip(average.parameters(), network.parameters(), strict=True):
        if mine is not theirs:
            mine.lerp_(theirs, 1 - decay)
    for mine, theirs in zip(average.buffers(), network.buffers(), strict=True):
        if mine is not theirs:
            mine.copy_(theirs)
