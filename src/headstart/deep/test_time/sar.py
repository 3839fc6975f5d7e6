"""SAR: certain rows only, flat minima only, and back to the start on the way to a collapse."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from headstart.deep.at_test_time import AtTestTime, release_norms
from headstart.functional.confusion import entropy

if TYPE_CHECKING:
    from headstart.networks.network import Network


@dataclass(kw_only=True)
class SAR(AtTestTime):
    """``min_w max_{|e| <= rho} mean_i H(softmax f_{w + e}(x_i))`` over rows of a batch with ``H < margin * log k``.

    w are the scales and shifts of the normalisations; the maximum is taken at ``e = rho g / |g|``, g the gradient at w,
    and rows that are uncertain there are left out too. A moving average of the entropy below ``reset * log k`` is
    the mark of a collapse: weights and optimizer go back to where they were.

    Parameters
    ----------
    learning_rate : of SGD with momentum 0.9. rho : radius of the neighbourhood.
    margin, reset : see above, as shares of the largest entropy (the paper's 0.2 nats are 0.03 of 1,000 classes').

    References
    ----------
    Niu et al., "Towards Stable Test-Time Adaptation in Dynamic Wild World", ICLR 2023, section 4.
    """

    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    learning_rate: float = 1e-3
    rho: float = 0.05
    margin: float = 0.4
    reset: float = 0.03

    def adapt(self, network: Network, batches: Iterable[Any]) -> Iterator[Tensor]:
        weights = release_norms(network, "SAR")
        start = [weight.detach().clone() for weight in weights]
        optimizer, average = self._optimizer(weights), None
        for x in batches:
            outputs = network(x)
            found = self._update(network, x, outputs, weights, optimizer)
            if found is not None:
                average = found if average is None else 0.9 * average + 0.1 * found
                if average < self.reset * math.log(outputs.shape[1]):
                    put(weights, start)
                    optimizer, average = self._optimizer(weights), None
            yield outputs

    def _optimizer(self, weights: list[nn.Parameter]) -> torch.optim.SGD:
        return torch.optim.SGD(weights, lr=self.learning_rate, momentum=0.9)

    def _update(
        self, network: Network, x: Any, outputs: Tensor, weights: list[nn.Parameter], optimizer: torch.optim.SGD
    ) -> float | None:
        """Make one step; return the mean entropy of the rows that it learned from, None without any."""
        limit = self.margin * math.log(outputs.shape[1])
        first = entropy(outputs)
        chosen = first < limit
        if not chosen.any():
            return None
        slopes = torch.autograd.grad(first[chosen].mean(), weights, allow_unused=True)
        old = [weight.detach().clone() for weight in weights]
        norm = torch.stack([slope.norm() for slope in slopes if slope is not None]).norm().clamp(min=1e-12)
        with torch.no_grad():
            for weight, slope in zip(weights, slopes, strict=True):
                weight.add_(0.0 if slope is None else self.rho * slope / norm)
        second = entropy(network(x))
        kept = chosen & (second < limit)
        optimizer.zero_grad()
        if kept.any():
            second[kept].mean().backward()
        put(weights, old)
        if not kept.any():
            return None
        optimizer.step()
        return float(second[kept].mean().detach())


@torch.no_grad()
def put(weights: list[nn.Parameter], values: list[Tensor]) -> None:
    """Give the weights these values."""
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)
