"""Sums of products over a batch keep float32 whatever the precision of the run."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import torch
from torch import Tensor

P = ParamSpec("P")


def in_float32(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Let a function of tensors be computed without autocast, its half-precision arguments as float32.

    Examples
    --------
    >>> total = in_float32(torch.sum)
    >>> total(torch.ones(3, dtype=torch.bfloat16)).dtype
    torch.float32
    """

    @wraps(function)
    def computed(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        given = [_wide(arg) for arg in args]
        named = {name: _wide(arg) for name, arg in kwargs.items()}
        device = next(arg.device.type for arg in given if isinstance(arg, Tensor))
        with torch.autocast(device, enabled=False):
            return function(*given, **named)  # type: ignore[arg-type]

    return computed


def _wide(value: object) -> object:
    if isinstance(value, Tensor) and value.dtype in (torch.float16, torch.bfloat16):
        return value.float()
    return value
