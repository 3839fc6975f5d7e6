"""Two networks that share their first stages, as one network: the other stages stand there twice."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from headstart.networks.network import Network, State


class Twin(nn.Module):
    """A stage and its twin: each maps its own half of the state, channels side by side.

    Parameters
    ----------
    first, second : the stages. parted : whether what comes in has two halves; the first of them reads one state.
    """

    def __init__(self, first: nn.Module, second: nn.Module, *, parted: bool) -> None:
        super().__init__()
        self.first, self.second, self.parted = first, second, parted

    def forward(self, state: Any) -> Any:
        mine, theirs = halves(state) if self.parted else (state, state)
        return joined(self.first(mine), self.second(theirs))


class TwinPool(nn.Module):
    """The pooling of each half, one after the other: [n, 2 d]."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, state: Any) -> Tensor:
        return torch.cat([self.pool(half) for half in halves(state)], dim=1)


def halves(state: State) -> tuple[Any, Any]:
    """Return both parts of what `joined` has put side by side."""
    if isinstance(state, dict):
        mine, theirs = halves(state["hidden"])
        return state | {"hidden": mine}, state | {"hidden": theirs}
    mine, theirs = state.chunk(2, dim=_channels(state))
    return mine, theirs


def joined(mine: State, theirs: State) -> Any:
    """Put two states of one shape side by side: pictures [n, c, h, w] by channel, all others by their last axis."""
    if isinstance(mine, dict):
        assert isinstance(theirs, dict)
        return mine | {"hidden": joined(mine["hidden"], theirs["hidden"])}
    assert isinstance(theirs, Tensor)
    return torch.cat([mine, theirs], dim=_channels(mine))


def _channels(state: Tensor) -> int:
    return 1 if state.ndim == 4 else -1


def twin_of(network: Network, cut: int, other: Network | None = None) -> Network:
    """Return a network whose stages after ``cut`` are those of two networks, which are equal up to there.

    Its features are both networks' features, one after the other; the head is left for the caller to set. It has their
    modules, not copies: it answers as they do, whatever becomes of them.

    Parameters
    ----------
    other : of the same architecture; by default a copy of ``network``, for weights to be loaded into.
    """
    beside = copy.deepcopy(network) if other is None else other
    stages = {
        name: stage if index < cut else Twin(stage, beside.stages[name], parted=index > cut)
        for index, (name, stage) in enumerate(network.stages.items())
    }
    spec = network.spec | {"twin": cut}
    made = Network(stages, TwinPool(network.pool), 2 * network.n_features, network.preprocess, spec)
    made.frozen, made.entry = network.frozen, network.entry
    return made
