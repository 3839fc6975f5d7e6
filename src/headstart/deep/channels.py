"""Feature maps seen as channels over places, and which channels of a network matter on a batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from headstart.deep.method import Nets
from headstart.deep.penalty import Passed
from headstart.networks.network import Network


def salience(nets: Nets, passed: Passed) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the starting network's states and, by stage, ``c softmax(s / t)``: see `DELTA`."""
    start, samples = nets.start, passed.samples
    frozen, start.frozen = start.frozen, 0
    states: dict[str, Any] = {}
    try:
        with torch.enable_grad():
            states, outputs = _leaves(start, samples.x, list(passed.states))
            loss = nets.task.loss(outputs, samples.y, samples.weight)  # type: ignore[arg-type]
            maps = {name: s["hidden"] if isinstance(s, dict) else s for name, s in states.items()}
            slopes = dict(zip(maps, torch.autograd.grad(loss, list(maps.values())), strict=True))
    finally:
        start.frozen = frozen
    weights = {}
    for name, value in maps.items():
        rise = -(places(value.detach())[0] * places(slopes[name])[0]).sum((0, 1))
        weights[name] = rise.numel() * (rise / rise.std().clamp_min(1e-12)).softmax(0)
    return {name: _still(state) for name, state in states.items()}, weights


def _leaves(start: Network, x: Any, wanted: list[str]) -> tuple[dict[str, Any], Tensor]:
    """Run ``start`` with the wanted states in the graph, though no parameter asks for a gradient."""
    states: dict[str, Any] = {}
    for index, (name, stage) in enumerate(start.stages.items()):
        if index >= start.entry:
            x = stage(x)
            if name in wanted:
                x = _asking(x)
                states[name] = x
    return states, start.head(start.pool(x) if start.entry < len(start.stages) else x)


def _asking(state: Any) -> Any:
    if isinstance(state, dict):
        return state | {"hidden": _asking(state["hidden"])}
    return state if state.requires_grad else state.requires_grad_()


def _still(state: Any) -> Any:
    return state | {"hidden": state["hidden"].detach()} if isinstance(state, dict) else state.detach()


def places(state: Any) -> tuple[Tensor, Tensor]:
    """Return a state as [n, places, channels] and a mask [n, places, 1] of the real places."""
    if isinstance(state, dict):
        return state["hidden"], state["attention_mask"].unsqueeze(-1).to(state["hidden"].dtype)
    if state.ndim == 4:
        state = state.flatten(2).transpose(1, 2)
    if state.ndim == 2:
        state = state.unsqueeze(1)
    return state, state.new_ones(1, 1, 1).expand(state.shape[0], state.shape[1], 1)
