"""Gradient reversal: the identity forwards, a negative factor backwards."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse_gradient(x: Tensor, strength: float = 1.0) -> Tensor:
    """Return ``x``; its gradient is ``-strength`` times what comes back.

    Examples
    --------
    >>> x = torch.ones(2, requires_grad=True)
    >>> reverse_gradient(x, 0.5).sum().backward()
    >>> x.grad.tolist()
    [-0.5, -0.5]

    References
    ----------
    Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 2016, section 4.2.
    """
    return _Reverse.apply(x, strength)  # type: ignore[return-value]


def rising(progress: float, steepness: float = 10.0) -> float:
    """Return ``2 / (1 + exp(-steepness * progress)) - 1``, from 0 to almost 1 while ``progress`` goes from 0 to 1.

    Examples
    --------
    >>> [round(rising(p), 2) for p in (0.0, 0.1, 0.5, 1.0)]
    [0.0, 0.46, 0.99, 1.0]

    References
    ----------
    Ganin et al., 2016, section 5.2.2.
    """
    return 2 / (1 + math.exp(-steepness * progress)) - 1
