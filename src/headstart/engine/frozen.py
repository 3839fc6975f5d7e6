"""Frozen means frozen: what may not move, its hash, and the table shown at the start."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from headstart.deep.method import Group, Nets
from headstart.networks.network import Network


def held_names(nets: Nets, groups: list[Group], frozen: int) -> set[str]:
    """Return the names, in ``nets``' state, of the tensors that must not move during training.

    These are the ``frozen`` first stages of the network, buffers included; the network's parameters that ask for no
    gradient and stand in no group; and helpers pinned by `headstart.networks.network.hold`.
    """
    names = set(nets.state_dict())
    stages = tuple(f"network.stages.{stage}." for stage in nets.network.stage_names[:frozen])
    trained = {id(p) for group in groups for p in group.parameters}
    idle = {
        name
        for name, p in nets.named_parameters(remove_duplicate=False)
        if name.startswith("network.") and not p.requires_grad and id(p) not in trained
    }
    pinned = {
        f"{owner}.{name}"
        for owner, module in nets.named_modules(remove_duplicate=False)
        if not owner.startswith("network") and "train" in module.__dict__
        for name in (*module._parameters, *module._buffers)
    }
    return {name for name in names if name.startswith(stages) or name in idle or name in pinned}


def pick(nets: Nets, names: set[str]) -> dict[str, Tensor]:
    """Return the named tensors of ``nets``' state."""
    return {name: tensor for name, tensor in nets.state_dict().items() if name in names}


def freeze_table(network: Network) -> list[dict[str, Any]]:
    """Return one row per stage, and one for the head, that tells what trains and what stands still.

    Each row has ``stage``, ``state`` (``frozen``, ``partly``, ``trainable``), ``parameters``, ``trainable`` (numbers)
    and ``norm``: ``none``, ``held`` (running statistics stand still), ``moving``, or ``no statistics``.
    """
    parts = [*network.stages.items(), ("head", network.head)]
    return [{"stage": name} | _row(part, index < network.frozen) for index, (name, part) in enumerate(parts)]


def _row(part: nn.Module, frozen: bool) -> dict[str, Any]:
    total = sum(p.numel() for p in part.parameters())
    trainable = sum(p.numel() for p in part.parameters() if p.requires_grad)
    state = "frozen" if frozen or (total and not trainable) else "trainable" if trainable == total else "partly"
    return {"state": state, "parameters": total, "trainable": trainable, "norm": _norm(part)}


def _norm(part: nn.Module) -> str:
    norms = [m for m in part.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    if norms:
        return "held" if all("train" in norm.__dict__ for norm in norms) else "moving"
    others = any("norm" in type(module).__name__.lower() for module in part.modules())
    return "no statistics" if others else "none"
