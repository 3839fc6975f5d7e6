"""LAME: answers that agree with those of the rows nearby, without moving a weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from headstart.deep.at_test_time import AtTestTime

if TYPE_CHECKING:
    from headstart.networks.network import Network

BLOCK, STEPS = 1024, 100


@dataclass(kw_only=True)
class LAME(AtTestTime):
    """``min over z of sum_i KL(z_i || p_i) - strength / 2 sum_ij w_ij z_i . z_j``, z_i on the simplex of k classes.

    p_i are the network's answers to the n rows to predict and ``w = (a + a') / 2``, ``a_ij = 1`` where j is one of the
    nearest neighbours of i by the cosine of its features. Steps ``z_i <- softmax(log p_i + strength sum_j w_ij z_j)``,
    from p, until no answer moves by more than 1e-4, at most 100. No weight and no statistic moves, which a stream of
    one class would mislead; at strength 0 the answers stay.

    Parameters
    ----------
    neighbours : of each row, at most n - 1. strength : at least 0.

    References
    ----------
    Boudiaf et al., "Parameter-free Online Test-time Adaptation", CVPR 2022, equations 3 to 6.
    """

    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    neighbours: int = 5
    strength: float = 1.0

    def adapt(self, network: Network, batches: Iterable[Any]) -> Iterator[Tensor]:
        with torch.no_grad():
            read = [network.read(x) for x in batches]
            outputs = torch.cat([network.head(of_head) for _, of_head in read])
            features = torch.cat([features for features, _ in read])
            yield from self.refined(outputs, features).split([len(features) for features, _ in read])

    def refined(self, outputs: Tensor, features: Tensor) -> Tensor:
        """Return log-probabilities [n, k] of answers with outputs [n, k], by features [n, d]."""
        logs = outputs.log_softmax(1)
        near = nearest(features, min(self.neighbours, len(features) - 1))
        z = logs.exp()
        for _ in range(STEPS):
            before, z = z, (logs + self.strength * _gathered(z, near)).softmax(1)
            if (z - before).abs().max() <= 1e-4:
                break
        return (logs + self.strength * _gathered(z, near)).log_softmax(1)


def nearest(features: Tensor, k: int) -> Tensor:
    """Return the k rows [n, k] of the largest cosine to each row, itself left out."""
    unit = normalize(features.float())
    found = []
    for start in range(0, len(unit), BLOCK):
        near = unit[start : start + BLOCK] @ unit.T
        near[torch.arange(len(near)), start + torch.arange(len(near))] = -torch.inf
        found.append(near.topk(k, dim=1).indices)
    return torch.cat(found)


def _gathered(z: Tensor, near: Tensor) -> Tensor:
    """Return ``w z``: half of what a row's neighbours answer, and half of what those do whose neighbour it is."""
    others = torch.zeros_like(z).index_add_(0, near.flatten(), z.repeat_interleave(near.shape[1], dim=0))
    return (z[near].sum(1) + others) / 2
