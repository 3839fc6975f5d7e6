"""Heads that can be saved: linear ones, cosines, the nearest neighbours', kernels, boosted trees, and
mixtures of experts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.kernel_head import KernelHead, kernel_from_json, kernel_to_json
from headstart.networks.mixture import MixtureHead, mixture_from_json, mixture_to_json
from headstart.networks.network import Network
from headstart.networks.trees import TreesHead, trees_from_json, trees_to_json
from headstart.tasks import TaskLogic


class NearestHead(nn.Module):
    """The mean of the k nearest training samples' outputs, by cosine similarity of features.

    ``f(x) = g(mean of t_i over the k largest x . x_i / (|x| |x_i|))`` where t_i is a class indicator (k classes)
    or a standardised value, and g turns a share of votes into a logit (log or log-odds), so that the task's own
    prediction gives the shares back.

    Parameters
    ----------
    references : features of the training samples [m, d].
    targets : [m, k] indicators, or standardised values.
    k : neighbours.
    link : ``softmax``, ``sigmoid`` or ``identity``. steepness : what the outputs are multiplied by.

    References
    ----------
    Cover and Hart, "Nearest neighbor pattern classification", IEEE Transactions on Information Theory 1967.
    """

    references: Tensor
    targets: Tensor

    def __init__(self, references: Tensor, targets: Tensor, k: int, link: str, steepness: float = 1.0) -> None:
        super().__init__()
        self.steepness = steepness
        self.register_buffer("references", functional.normalize(references.float(), dim=1))
        self.register_buffer("targets", targets.float())
        self.k, self.link = k, link

    def forward(self, features: Tensor) -> Tensor:
        """Return outputs [n, k] for features [n, d]."""
        similarity = functional.normalize(features.float(), dim=1) @ self.references.T
        nearest = similarity.topk(min(self.k, len(self.references)), dim=1).indices
        mean = self.targets[nearest].mean(dim=1)
        if self.link == "identity":
            return mean
        share = mean.clamp(1e-6, 1 - 1e-6)
        return self.steepness * (share.log() if self.link == "softmax" else torch.logit(share))


class CosineHead(nn.Module):
    """``f(x) = s cos(x - centre, weight_k) + offset_k``, logits of k classes.

    Parameters
    ----------
    weight : [k, d]. centre : [d]. offset : [k], 0 or, for a class that is not to be answered, far below. steepness : s.
    """

    weight: Tensor
    centre: Tensor
    offset: Tensor

    def __init__(self, weight: Tensor, centre: Tensor, offset: Tensor, steepness: float = 10.0) -> None:
        super().__init__()
        self.steepness = steepness
        self.register_buffer("weight", functional.normalize(weight.float(), dim=1))
        self.register_buffer("centre", centre.float())
        self.register_buffer("offset", offset.float())

    def forward(self, features: Tensor) -> Tensor:
        """Return logits [n, k] for features [n, d]."""
        rows = functional.normalize(features.float() - self.centre, dim=1)
        return self.steepness * (rows @ self.weight.T) + self.offset


@torch.no_grad()
def answering(network: Network, theirs: TaskLogic, mine: TaskLogic) -> Network | None:
    """Bring a network's head into another order of classes, or into other units; None where it does not know them.

    Classes that are not asked for are left out; a regression needs the same targets in the same order.
    """
    asked, known = mine.task.label_space, theirs.task.label_space.names
    if asked.of_classes:
        if not set(asked.names) <= set(known):
            return None
        network.head = _picked(network.head, [known.index(name) for name in asked.names])
    elif known != asked.names:
        return None
    if mine.units is not None and theirs.units is not None:
        factor, shift = theirs.units[1] / mine.units[1], (theirs.units[0] - mine.units[0]) / mine.units[1]
        network.head = _scaled(network.head, torch.as_tensor(factor).float(), torch.as_tensor(shift).float())
    return network


@torch.no_grad()
def steepen(network: Network, steepness: float) -> Network:
    """Multiply the outputs of a network's head, which makes its probabilities steeper (above 1) or flatter."""
    head = network.head
    if isinstance(head, NearestHead):
        head.steepness *= steepness
    elif isinstance(head, CosineHead):
        head.steepness, head.offset = head.steepness * steepness, head.offset * steepness
    elif isinstance(head, TreesHead):
        head.spread, head.bias = head.spread * steepness, head.bias * steepness
    elif isinstance(head, KernelHead):
        head.scaled(steepness)
    else:
        head = head.linear if isinstance(head, MixtureHead) else head
        assert isinstance(head, nn.Linear)
        head.weight.mul_(steepness)
        head.bias.mul_(steepness)
    return network


def _picked(head: nn.Module, outputs: list[int]) -> nn.Module:
    """Return the head of some outputs, in this order."""
    if isinstance(head, NearestHead):
        return NearestHead(head.references, head.targets[:, outputs], head.k, head.link, head.steepness)
    if isinstance(head, CosineHead):
        return CosineHead(head.weight[outputs], head.centre, head.offset[outputs], head.steepness)
    if isinstance(head, TreesHead):
        head.spread, head.bias = head.spread[:, outputs], head.bias[outputs]
        return head
    if isinstance(head, KernelHead):
        return head.picked(outputs)
    if isinstance(head, MixtureHead):
        return head.with_outputs(_picked(head.linear, outputs))
    assert isinstance(head, nn.Linear)
    picked = nn.Linear(head.in_features, len(outputs))
    picked.weight.copy_(head.weight[outputs])
    picked.bias.copy_(head.bias[outputs])
    return picked


def picked_rows(weights: dict[str, Tensor], outputs: list[int]) -> dict[str, Tensor]:
    """Return one number per weight with those of a linear head in another order of outputs, as `answering` has it."""
    return {name: one[outputs] if name.startswith("head.") else one for name, one in weights.items()}


def _scaled(head: nn.Module, factor: Tensor, shift: Tensor) -> nn.Module:
    """Return the head whose outputs are ``factor * f(x) + shift``."""
    if isinstance(head, NearestHead):
        head.targets = head.targets * factor + shift
    elif isinstance(head, TreesHead):
        head.spread, head.bias = head.spread * factor, head.bias * factor + shift
    elif isinstance(head, KernelHead):
        head.scaled(factor, shift)
    elif isinstance(head, MixtureHead):
        _scaled(head.linear, factor, shift)
    else:
        assert isinstance(head, nn.Linear)
        head.weight.copy_(head.weight * factor[:, None])
        head.bias.copy_(head.bias * factor + shift)
    return head


def head_to_json(head: nn.Module) -> dict[str, Any]:
    """Return from what `head_from_json` makes the same head, without its numbers."""
    if isinstance(head, nn.Identity):
        return {"kind": "none"}
    if isinstance(head, NearestHead):
        m, d = head.references.shape
        sizes = {"m": m, "n_in": d, "n_out": head.targets.shape[1]}
        return {"kind": "nearest", **sizes, "k": head.k, "link": head.link, "steepness": head.steepness}
    if isinstance(head, CosineHead):
        k, d = head.weight.shape
        return {"kind": "cosine", "n_in": d, "n_out": k, "steepness": head.steepness}
    if isinstance(head, TreesHead):
        return trees_to_json(head)
    if isinstance(head, KernelHead):
        return kernel_to_json(head)
    if isinstance(head, MixtureHead):
        return mixture_to_json(head)
    if type(head) is nn.Linear:
        return {
            "kind": "linear",
            "n_in": head.in_features,
            "n_out": head.out_features,
            "bias": head.bias is not None,
        }
    if hasattr(head, "reads"):
        return {"kind": "task"}
    kind = type(head).__name__
    raise TypeError(
        f"A head of the kind {kind} cannot be saved; expected Linear, CosineHead, NearestHead, KernelHead, "
        "TreesHead, MixtureHead or Identity."
    )


def head_from_json(value: dict[str, Any] | None) -> nn.Module:
    """Return a head whose numbers are still to be loaded; one that a task makes is made by `TaskLogic.head_of`."""
    if value is None or value["kind"] in ("none", "task"):
        return nn.Identity()
    if value["kind"] == "nearest":
        references, targets = torch.zeros(value["m"], value["n_in"]), torch.zeros(value["m"], value["n_out"])
        return NearestHead(references, targets, value["k"], value["link"], value.get("steepness", 1.0))
    if value["kind"] == "cosine":
        k, d = value["n_out"], value["n_in"]
        return CosineHead(torch.zeros(k, d), torch.zeros(d), torch.zeros(k), value["steepness"])
    if value["kind"] == "trees":
        return trees_from_json(value)
    if value["kind"] == "kernel":
        return kernel_from_json(value)
    if value["kind"] == "mixture":
        return mixture_from_json(value)
    return nn.Linear(value["n_in"], value["n_out"], bias=value["bias"])
