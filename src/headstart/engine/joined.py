"""Batches of several domains: source and target, each in its own order and views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headstart.data.batches import Batch, Samples
from headstart.engine.domain import Domain
from headstart.engine.streams import BatchStream, given_by_target
from headstart.errors import UserError


class JoinedStream(BatchStream):
    """Batches of a target and of one or several source domains, each a pure function of the step.

    Both roles have B samples in every batch: the smaller one begins its next epoch sooner. Samples of several source
    domains take turns (place i of the source belongs to domain i mod D, and carries that number in `Samples.domain`),
    so that a batch, and any part of it, holds as many of each as can be. An epoch is one of the target's; of the
    sources', where there is no target to see.

    Parameters
    ----------
    target : labelled or not; None where it is unseen.
    source : one domain, or several.
    batch_size : B, over all processes; at most the larger role's number of samples is used.
    seed : of all orders; the target's is the one that it has alone.
    """

    def __init__(self, target: Domain | None, source: Domain | Sequence[Domain], *, batch_size: int, seed: int) -> None:
        self.target, self.seed = target, seed
        self.sources = [source] if isinstance(source, Domain) else list(source)
        domains = [*self.sources, *([] if target is None else [target])]
        super().__init__(domains)
        self.shown = min(domain.shown for domain in domains)
        if not self.sources:
            raise UserError("Joined domains need at least one source domain; none was given.")
        self._n_source = sum(map(len, self.sources))
        self.batch_size = max(1, min(batch_size, max(self._n_source, 0 if target is None else len(target))))
        self.gives = self._given()

    def __len__(self) -> int:
        return self._n_source if self.target is None else len(self.target)

    def _given(self) -> frozenset[str]:
        given = set() if self.target is None else set(given_by_target(self.target))
        given |= {"source_inputs"} | ({"domains"} if len(self.sources) > 1 else set())
        return frozenset(given | ({"source_labels"} if all(s.labelled() == "all" for s in self.sources) else set()))

    @property
    def identity(self) -> dict[str, Any]:
        """What the batches depend on, for the key of a checkpoint."""
        target = {} if self.target is None else self.target.identity
        sizes = {"batch_size": self.batch_size, "order_seed": self.seed}
        return target | sizes | {"source": [source.identity for source in self.sources]}

    def sample_names(self, step: int) -> list[str]:
        """Return the names of the samples of ``step``'s batch, for messages."""
        flat = self._flat(step, 0, self.batch_size)
        named = []
        if self.target is not None:
            named = [self.target.name(p) for p in self.target.places(flat, self.seed)[0]]
        for number, places in enumerate(self._turns(flat)):
            source = self.sources[number]
            named += [source.name(p, "source sample") for p in source.places(places, self.seed, number + 1)[0]]
        return named

    def domain_of(self, role: str) -> Domain | None:
        """Return the target's samples, or those of the one source domain."""
        if role == "target":
            return self.target
        return self.sources[0] if role == "source" and len(self.sources) == 1 else None

    def every(self, role: str, size: int) -> Iterator[Samples]:
        """Yield all samples of a role as every stream does; of several sources one domain after another."""
        if role != "source" or len(self.sources) == 1:
            yield from super().every(role, size)
            return
        for number, source in enumerate(self.sources):
            for start in range(0, len(source), size):
                positions = np.arange(start, min(start + size, len(source)))
                yield source.samples(positions, np.zeros_like(positions))._replace(
                    domain=torch.full((len(positions),), number)
                )

    def _flat(self, step: int, start: int, stop: int) -> np.ndarray:
        return np.arange(step * self.batch_size + start, step * self.batch_size + stop)

    def _turns(self, flat: np.ndarray) -> list[np.ndarray]:
        """Return each source domain's places of a batch."""
        count = len(self.sources)
        return [flat[flat % count == number] // count for number in range(count)]

    def _build(self, step: int, start: int, stop: int) -> Batch:
        flat = self._flat(step, start, stop)
        target = None
        if self.target is not None:
            target = self.target.samples(*self.target.places(flat, self.seed))
        taken = [
            source.samples(*source.places(places, self.seed, number + 1))._replace(
                domain=torch.full((len(places),), number)
            )
            for number, (source, places) in enumerate(zip(self.sources, self._turns(flat), strict=True))
            if len(places)
        ]
        if len(self.sources) == 1:
            return Batch(target=target, source=taken[0]._replace(domain=None) if taken else None)
        return Batch(target=target, source=in_turn(taken, flat % len(self.sources)))


def in_turn(parts: list[Samples], turns: np.ndarray) -> Samples | None:
    """Join samples of several domains so that place i of the result is of domain ``turns[i]``."""
    if not parts:
        return None
    came = torch.from_numpy(np.argsort(np.argsort(turns, kind="stable"), kind="stable"))
    return Samples(*(_join([part[field] for part in parts], came) for field in range(len(Samples._fields))))


def _join(values: list[Any], order: Tensor) -> Any:
    """Join one field of several domains and put it into ``order``; what one of them lacks, none has."""
    if any(value is None for value in values):
        return None
    first = values[0]
    if isinstance(first, Tensor):
        return torch.cat(values)[order]
    if isinstance(first, dict):
        return {name: _join([value[name] for value in values], order) for name in first}
    if isinstance(first, tuple):
        return tuple(_join(list(views), order) for views in zip(*values, strict=True))
    flat = [item for value in values for item in value]
    return [flat[place] for place in order.tolist()]
