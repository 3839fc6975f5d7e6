"""A critic instead of a discriminator: how far apart it sees two samples, and how steep it is."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]


def gap(critic: Critic, source: Tensor, target: Tensor) -> Tensor:
    """Return ``mean D(source) - mean D(target)``: a lower bound of the Wasserstein distance where D has slope 1."""
    return critic(source).mean() - critic(target).mean()


def gradient_penalty(critic: Critic, points: Tensor) -> Tensor:
    """Return ``mean_j (|dD/dz(z_j)| - 1)^2`` at points [n, d], which are constants to the gradient.

    References
    ----------
    Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017, equation 3.
    """
    points = points.detach().requires_grad_()
    (slopes,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return (slopes.norm(dim=1) - 1).square().mean()
