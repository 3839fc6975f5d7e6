"""What methods that learn without labels share: a body that learns alone, and inputs that are spoiled."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from headstart.deep.method import Batch, Group, Nets
from headstart.deep.parts import learning, unlabelled
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


def blind(network: Network, task: TaskLogic, **helpers: nn.Module) -> Nets:
    """Return nets whose stages all learn beside the helpers; a head stands still, since there is no task."""
    network.freeze(0).head.requires_grad_(False)
    return Nets(network, task, **helpers)


def blind_groups(nets: Nets) -> list[Group]:
    """Return one group of the stages and one of each helper, at one rate."""
    groups = [Group("body", learning(nets.network))]
    groups += [Group(name, learning(module)) for name, module in nets.named_children() if name != "network"]
    return [group for group in groups if group.parameters]


def inputs(batch: Batch) -> Any:
    """Return the samples of a batch in their first view."""
    return unlabelled(batch).x


def two_views(batch: Batch) -> tuple[Any, Any]:
    """Return two views of each sample of a batch."""
    first, second = unlabelled(batch).views[:2]
    return first, second


def is_table(x: Any) -> bool:
    """Whether inputs are rows of a table, whose cells can be swapped, and no pictures."""
    return isinstance(x, dict) and "numeric" in x


def swapped(x: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return rows in which each cell is, with probability ``share``, that of another row drawn from the batch.

    A swapped cell is drawn from its column's own values (its empirical marginal distribution).
    """
    n, changed = len(x["numeric"]), dict(x)
    numbers = x["numeric"].shape[1]
    chosen = torch.rand(n, numbers, device=x["numeric"].device) < share
    other = torch.randint(n, (n, numbers), device=x["numeric"].device)
    for name in ("numeric", "missing"):
        changed[name] = torch.where(chosen, x[name].gather(0, other), x[name])
    words = x["categorical"].shape[1]
    if words:
        chosen = torch.rand(n, words, device=x["numeric"].device) < share
        other = torch.randint(n, (n, words), device=x["numeric"].device)
        changed["categorical"] = torch.where(chosen, x["categorical"].gather(0, other), x["categorical"])
    return changed


def spoiled(x: Any, noise: float, share: float) -> Any:
    """Return pictures with Gaussian noise of standard deviation ``noise`` (in the network's units), or rows with a
    ``share`` of their cells swapped."""
    return swapped(x, share) if is_table(x) else x + noise * torch.randn_like(x)


def projector(n_in: int, hidden: int, n_out: int) -> nn.Sequential:
    """Return two layers from features to the space of a contrast, which is dropped after training."""
    return nn.Sequential(nn.Linear(n_in, hidden), nn.LayerNorm(hidden), nn.ReLU(), nn.Linear(hidden, n_out))
