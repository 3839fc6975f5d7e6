"""Small modules from which the families build their stages and poolings."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn


def chain(*modules: nn.Module | None) -> nn.Sequential:
    """Return the modules in order as one, without those that do nothing."""
    return nn.Sequential(*(m for m in modules if m is not None and not isinstance(m, nn.Identity)))


class AsMap(nn.Module):
    """Features [n, d] as a map of one pixel [n, d, 1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, None, None]


class AsToken(nn.Module):
    """Features [n, d] as one token [n, 1, d]."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, None]


class TakeToken(nn.Module):
    """One token of a sequence: [n, l, d] to [n, d]."""

    def __init__(self, index: int = 0) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.index]


class AveragePool(nn.Module):
    """Mean over the map's pixels: [n, c, h, w] to [n, c]."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)


def named(prefix: str, modules: Iterable[nn.Module], start: int = 1) -> dict[str, nn.Module]:
    """Number modules: ``prefix1``, ``prefix2``, ..."""
    return {f"{prefix}{index}": module for index, module in enumerate(modules, start)}


def has_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None
