"""Batches of pairs: the same places of two sides."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.data.batches import Batch
from headstart.engine.domain import Domain
from headstart.engine.streams import BatchStream


class PairStream(BatchStream):
    """Batches whose target and source are two sides of the same pairs, in the order of `Stream`.

    Parameters
    ----------
    target, source : the sides, row by row; labels, where there are any, number equal contents.
    batch_size : B, over all processes; at most n is used. seed : of the order.
    """

    def __init__(self, target: Domain, source: Domain, *, batch_size: int, seed: int) -> None:
        if len(target) != len(source):
            raise ValueError(f"Pairs have two sides, and {len(target)} samples were given beside {len(source)}.")
        super().__init__([target, source])
        self.target, self.source, self.seed = target, source, seed
        self.batch_size = max(1, min(batch_size, len(target)))
        self.gives = frozenset({"target_inputs", "source_inputs"})

    def __len__(self) -> int:
        return len(self.target)

    @property
    def identity(self) -> dict[str, Any]:
        sizes = {"batch_size": self.batch_size, "order_seed": self.seed, "pairs": True}
        return self.target.identity | sizes | {"source": [self.source.identity]}

    def sample_names(self, step: int) -> list[str]:
        return [self.target.name(position) for position in self._places(step)[0]]

    def domain_of(self, role: str) -> Domain | None:
        return {"target": self.target, "source": self.source}.get(role)

    def _places(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        return self.target.places(np.arange(step * self.batch_size, (step + 1) * self.batch_size), self.seed)

    def _build(self, step: int, start: int, stop: int) -> Batch:
        positions, epochs = (part[start:stop] for part in self._places(step))
        return Batch(self.target.samples(positions, epochs), self.source.samples(positions, epochs))
