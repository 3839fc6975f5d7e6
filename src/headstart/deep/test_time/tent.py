"""TENT: scales and shifts of the normalisations learn to be certain of the rows to predict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from headstart.deep.at_test_time import AtTestTime, release_norms
from headstart.functional.confusion import entropy

if TYPE_CHECKING:
    from headstart.networks.network import Network


@dataclass(kw_only=True)
class TENT(AtTestTime):
    """``w <- w - learning_rate * Adam(d/dw mean_i H(softmax f_w(x_i)))`` once per batch, H the entropy in nats.

    w are the scales and shifts of batch, layer and group norm; batch norm uses its batch's statistics. A batch is
    answered before it is learned from. On a stream of few classes the entropy falls by answering one of them always.

    Parameters
    ----------
    learning_rate : of Adam. steps : updates per batch, at least 1; the answers are those before the last.

    References
    ----------
    Wang et al., "Tent: Fully Test-Time Adaptation by Entropy Minimization", ICLR 2021, section 3.
    """

    kinds: ClassVar[frozenset[str] | None] = frozenset({"classification"})

    learning_rate: float = 1e-3
    steps: int = 1

    def adapt(self, network: Network, batches: Iterable[Any]) -> Iterator[Tensor]:
        optimizer = torch.optim.Adam(release_norms(network, "TENT"), lr=self.learning_rate)
        for x in batches:
            for _ in range(self.steps):
                outputs = network(x)
                optimizer.zero_grad()
                entropy(outputs).mean().backward()
                optimizer.step()
            yield outputs
