"""An average of a network's weights, which answers in its place."""

from __future__ import annotations

import copy
from collections.abc import Sequence
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


@torch.no_grad()
def average_into(average: Network, members: Sequence[tuple[Network, float]]) -> Network:
    """Let a network hold the weighted mean of others of its kind, running statistics too; shares add up to 1.

    What all share, such as frozen stages, is left alone; whole numbers are the last member's.
    """
    every = [list(average.state_dict().values()), *(list(member.state_dict().values()) for member, _ in members)]
    shares = [share for _, share in members]
    for mine, *others in zip(*every, strict=True):
        if all(other.data_ptr() == mine.data_ptr() for other in others) and mine.numel():
            continue
        if not mine.is_floating_point() or len(others) == 1:
            mine.copy_(others[-1])
        elif len(others) == 2:
            mine.copy_(others[0].lerp(others[1], shares[1]))
        else:
            mine.copy_(sum(share * other for share, other in zip(shares, others, strict=True)))
    return average
