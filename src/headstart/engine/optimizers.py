"""AdamW per player, and the learning rate as a pure function of the step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from headstart.deep.method import Group


def rate_at(step: int, steps: int, warmup: float) -> float:
    """Return the factor on the learning rate: linear warm-up over a share of the steps, then half a cosine to 0.

    With w = ceil(warmup * steps): (step + 1) / w for step < w, else (1 + cos(pi (step - w) / (steps - w))) / 2.

    Examples
    --------
    >>> [round(rate_at(step, 10, 0.2), 2) for step in (0, 1, 2, 6, 9)]
    [0.5, 1.0, 1.0, 0.5, 0.04]

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, equation 5.
    """
    ramp = math.ceil(warmup * steps)
    if step < ramp:
        return (step + 1) / ramp
    return 0.5 * (1 + math.cos(math.pi * (step - ramp) / max(1, steps - ramp)))


def make_optimizers(groups: list[Group], weight_decay: float) -> dict[str, AdamW]:
    """Return one AdamW per player; biases, norms and other vectors are not decayed.

    References
    ----------
    Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
    """
    players: dict[str, list[dict[str, Any]]] = {}
    for group in groups:
        for decayed in (True, False):
            chosen = [p for p in group.parameters if (p.ndim > 1) == decayed]
            if chosen:
                decay = weight_decay if decayed else 0.0
                entry = {"params": chosen, "weight_decay": decay, "rate": group.rate, "name": group.name}
                players.setdefault(group.player, []).append(entry)
    return {player: AdamW(entries, lr=0.0, fused=_fused(entries)) for player, entries in players.items()}


def _fused(entries: list[dict[str, Any]]) -> bool:
    kinds = {(p.device.type, p.is_floating_point()) for entry in entries for p in entry["params"]}
    return kinds <= {("cuda", True), ("cpu", True)}


def set_rate(optimizers: Mapping[str, AdamW], rate: float) -> None:
    """Set every group's learning rate to ``rate`` times its own factor."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = rate * group["rate"]


def parameters_of(optimizer: AdamW) -> list[nn.Parameter]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def optimizer_tensors(optimizers: Mapping[str, AdamW]) -> dict[str, Tensor]:
    """Return every optimizer's state as ``player/number/key`` to tensor."""
    tensors = {}
    for player, optimizer in optimizers.items():
        for number, state in optimizer.state_dict()["state"].items():
            for key, value in state.items():
                tensors[f"{player}/{number}/{key}"] = torch.as_tensor(value)
    return tensors


def load_optimizers(optimizers: Mapping[str, AdamW], tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` gave."""
    for player, optimizer in optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            owner, number, key = name.rsplit("/", 2)
            if owner == player:
                state.setdefault(int(number), {})[key] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
