"""Inputs moved a little, against the network: where they can be moved, and how far."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from headstart.errors import UserError

if TYPE_CHECKING:
    from headstart.networks.network import Network

MOVED = ("hidden", "numeric")
"""What is moved of a state of several tensors: hidden vectors of texts, numbers of tables."""


class Point(NamedTuple):
    """A state on its way through the network that can be moved: numbers of each sample, not the numbers of words."""

    network: Network
    state: Any
    cut: int

    @property
    def values(self) -> Tensor:
        """What is moved of the state [n, ...]."""
        values = _real(self.state)
        assert values is not None
        return values

    @property
    def size(self) -> Tensor:
        """The root mean square of each sample's values, [n, 1, ...], a constant to the gradient."""
        values = self.values.detach()
        rms = values.flatten(1).square().mean(dim=1).sqrt()
        return rms.reshape(-1, *[1] * (values.ndim - 1))

    def outputs(self, delta: Tensor, *, follow: bool = True) -> Tensor:
        """Return the network's outputs with ``delta`` added; without ``follow`` the state itself has no gradient."""
        values = (self.values if follow else self.values.detach()) + self.masked(delta)
        state = values
        if isinstance(self.state, dict):
            state = self.state | {next(name for name in MOVED if name in self.state): values}
        return self.network.head(self.network.run(state, self.cut))

    def masked(self, delta: Tensor) -> Tensor:
        """Return ``delta`` with 0 where a text is padded."""
        if isinstance(self.state, dict) and "attention_mask" in self.state:
            return delta * self.state["attention_mask"][..., None].to(delta)
        return delta


def point_of(network: Network, x: Any) -> Point:
    """Return where inputs can be moved: the first state of real numbers behind the stages that are frozen.

    Pictures, tables and cached features are moved as they enter; texts behind their embeddings.

    Raises
    ------
    UserError
        If the head reads something else than features.
    """
    if network.reads != "features" or network.taps:
        raise UserError(
            f"Inputs can be moved only where the head reads the last features; this one reads "
            f"{network.taps or network.reads}; choose another method."
        )
    cut = max(network.entry, network.frozen)
    state = network.run(x, network.entry, cut)
    while _real(state) is None:
        state, cut = network.run(state, cut, cut + 1), cut + 1
    return Point(network, state, cut)


def worst(point: Point, loss: Callable[[Tensor], Tensor], epsilon: float, steps: int) -> Tensor:
    """Return the delta that steps of the gradient's sign find to raise ``loss(outputs)``, each value within its radius.

    The radius is ``epsilon`` times the sample's root mean square. One step goes all the way (FGSM); of several each
    goes 2.5 / steps of it and is brought back into the radius (PGD).
    """
    radius = epsilon * point.size
    stride = radius if steps == 1 else 2.5 * radius / steps
    delta = torch.zeros_like(point.values)
    for _ in range(steps):
        (slope,) = slopes(point, loss, delta)
        delta = (delta + stride * slope.sign()).clamp(-radius, radius)
    return delta


def slopes(point: Point, loss: Callable[[Tensor], Tensor], delta: Tensor) -> tuple[Tensor]:
    """Return the gradient of ``loss(outputs)`` to ``delta``; nothing is added to the gradients of weights."""
    with torch.enable_grad():
        delta = delta.detach().requires_grad_()
        return torch.autograd.grad(loss(point.outputs(delta, follow=False)), delta)  # type: ignore[return-value]


def _real(state: Any) -> Tensor | None:
    """Return the numbers of a state that can be moved; None for numbers of words, or no columns of numbers."""
    values = next((state[name] for name in MOVED if name in state), None) if isinstance(state, dict) else state
    return values if values is not None and values.is_floating_point() and values[0].numel() else None
