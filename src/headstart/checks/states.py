"""Weights of two networks, compared bit for bit."""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.networks import Network


def weights(network: Network) -> dict[str, Tensor]:
    """Return a copy of the network's state."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor], what: str) -> None:
    """Assert that two states agree bit for bit."""
    assert set(first) == set(second), f"{what} differ in their tensors: {sorted(set(first) ^ set(second))}."
    wrong = [name for name in first if not torch.equal(first[name], second[name])]
    assert not wrong, f"{what} differ in {wrong}."
