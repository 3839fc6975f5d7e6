"""Few-shot tasks drawn from labelled samples, each a pure function of the step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from headstart.data.batches import Batch, Episode, Samples
from headstart.engine.domain import Domain
from headstart.engine.streams import BatchStream
from headstart.errors import UserError


class EpisodeStream(BatchStream):
    """One episode a step: ``ways`` classes, of each ``shots`` samples to learn from and ``queries`` to answer.

    The episode of step t is drawn from ``(seed, t)``: classes among those with enough samples, then samples without
    replacement. Its labels are 0 to ways - 1, and `Episode.classes` tells which classes they are. A part of an
    episode is the whole support with a part of the queries.

    Parameters
    ----------
    domain : labelled samples; their views are shown by turns, step by step.
    ways, shots, queries : see above; batch_size is ways * queries.
    seed : of the draws.
    """

    gives = frozenset({"episodes"})

    def __init__(self, domain: Domain, *, ways: int, shots: int, queries: int, seed: int) -> None:
        super().__init__([domain])
        self.domain, self.seed, self.shown = domain, seed, domain.shown
        self.ways, self.shots, self.queries = ways, shots, queries
        self.batch_size = ways * queries
        labels = domain.labels
        if min(ways, shots, queries) < 1 or not isinstance(labels, np.ndarray) or labels.ndim != 1:
            raise UserError("Episodes need at least one class, shot and query, and one class label for each sample.")
        numbers, counts = np.unique(labels[labels >= 0], return_counts=True)
        self._classes = numbers[counts >= shots + queries]
        self._members = {int(c): np.flatnonzero(labels == c) for c in self._classes}
        if len(self._classes) < ways:
            raise UserError(
                f"Episodes of {ways} classes with {shots} + {queries} samples each cannot be drawn: "
                f"{len(self._classes)} classes have so many; ask for fewer classes, shots or queries."
            )

    def __len__(self) -> int:
        return len(self.domain)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which as many samples are seen as there are."""
        return -(-len(self) // (self.ways * (self.shots + self.queries)))

    @property
    def identity(self) -> dict[str, Any]:
        """What the episodes depend on, for the key of a checkpoint."""
        drawn = {"ways": self.ways, "shots": self.shots, "queries": self.queries, "order_seed": self.seed}
        return self.domain.identity | {"batch_size": self.batch_size} | drawn

    def places(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the classes [ways] and positions [ways, shots + queries] of the episode of ``step``."""
        rng = np.random.default_rng([self.seed, step])
        classes = rng.choice(self._classes, self.ways, replace=False)
        count = self.shots + self.queries
        return classes, np.stack([rng.choice(self._members[int(c)], count, replace=False) for c in classes])

    def sample_names(self, step: int) -> list[str]:
        """Return the names of the samples of ``step``'s episode, for messages."""
        return [self.domain.name(position) for position in self.places(step)[1].ravel()]

    def domain_of(self, role: str) -> Domain | None:
        """Return the samples that episodes are drawn from."""
        return self.domain if role == "episode" else None

    def _build(self, step: int, start: int, stop: int) -> Batch:
        classes, positions = self.places(step)
        support, query = positions[:, : self.shots], positions[:, self.shots :]
        return Batch(
            episode=Episode(
                support=self._samples(support, step, slice(None)),
                query=self._samples(query, step, slice(start, stop)),
                classes=torch.from_numpy(classes),
            )
        )

    def _samples(self, positions: np.ndarray, step: int, chosen: slice) -> Samples:
        """Return samples whose classes take turns, so that a part of them holds as many of each as can be."""
        flat = positions.T.ravel()[chosen]
        numbers = np.tile(np.arange(self.ways), positions.shape[1])[chosen]
        samples = self.domain.samples(flat, np.full(len(flat), step))
        return samples._replace(y=torch.from_numpy(numbers))
