"""What the loop trains on: batches as a pure function of the step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from headstart.data.batches import Batch, Samples
from headstart.engine.ahead import depth
from headstart.engine.domain import Domain, Fetch

__all__ = ["BatchStream", "Fetch", "Stream"]


class BatchStream(ABC):
    """Batches, each a pure function of its step: resuming neither replays nor skips data.

    Final subclasses: `Stream`, `JoinedStream`, `PairStream`, `EpisodeStream`.
    """

    batch_size: int
    """Samples of each role in a batch, over all processes (of an episode: the queries)."""
    gives: frozenset[str] = frozenset()
    """What it can give a method, in the words of `headstart.deep.method.NEEDS`."""
    shown: int = 1
    """Views of each sample in a batch."""

    def __init__(self, domains: list[Domain]) -> None:
        self._pinned = False
        self._ahead = _Ahead(self._make) if any(domain.slow for domain in domains) else None

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What the batches depend on, for the key of a checkpoint."""

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every sample was seen: n / B, rounded up."""
        return -(-len(self) // self.batch_size)

    @abstractmethod
    def sample_names(self, step: int) -> list[str]:
        """Return the names of the samples of ``step``'s batch, for messages."""

    @abstractmethod
    def domain_of(self, role: str) -> Domain | None:
        """Return the samples of ``target`` or ``source``, where there is one such domain."""

    @abstractmethod
    def _build(self, step: int, start: int, stop: int) -> Batch: ...

    def batch(self, step: int) -> Batch:
        """Return the whole batch of ``step``."""
        return self.part(step, 0, self.batch_size)

    def part(self, step: int, start: int, stop: int) -> Batch:
        """Return samples [start, stop) of each role of the batch of ``step``; only these are fetched."""
        if self._ahead is None:
            return self._make(step, start, stop)
        return self._ahead.get(step, start, stop)

    def every(self, role: str, size: int) -> Iterator[Samples]:
        """Yield all samples of a role in the order of their rows, ``size`` at a time, in the plain view."""
        domain = self.domain_of(role)
        if domain is None:
            raise ValueError(f"This stream has no {role} to pass over.")
        for start in range(0, len(domain), size):
            positions = np.arange(start, min(start + size, len(domain)))
            yield domain.samples(positions, np.zeros_like(positions))

    def feed_card(self) -> None:
        """Fetch ahead whatever the fetch costs, into memory that a card reads while it computes."""
        self._pinned = True
        self._ahead = self._ahead or _Ahead(self._make)

    def close(self) -> None:
        """Stop fetching ahead."""
        if self._ahead is not None:
            self._ahead.close()

    def _make(self, step: int, start: int, stop: int) -> Batch:
        batch = self._build(step, start, stop)
        return pinned(batch) if self._pinned else batch


class Stream(BatchStream):
    """Batches of a target, labelled or not.

    The samples of all batches, one after another, are permutations of the training set, one per epoch, drawn from
    ``(seed, epoch)``. Batch t holds the places [t B, (t + 1) B) of that sequence, so every batch is full; a sample
    of epoch e comes in its view e mod ``views``.

    Parameters
    ----------
    fetch, labels, n, names, views, shown, weights : see `Domain`.
    batch_size : B, over all processes; at most n is used.
    seed : of the order.
    """

    def __init__(
        self,
        fetch: Fetch,
        labels: Any = None,
        *,
        batch_size: int,
        seed: int,
        n: int | None = None,
        names: list[str] | None = None,
        views: int = 1,
        shown: int = 1,
        weights: np.ndarray | None = None,
    ) -> None:
        self.target = Domain(fetch, labels, n=n, names=names, views=views, shown=shown, weights=weights)
        super().__init__([self.target])
        self.seed, self.shown = seed, shown
        self.batch_size = max(1, min(batch_size, len(self.target)))
        self.gives = given_by_target(self.target)

    def __len__(self) -> int:
        return len(self.target)

    @property
    def identity(self) -> dict[str, Any]:
        """What the batches depend on, for the key of a checkpoint."""
        return self.target.identity | {"batch_size": self.batch_size, "order_seed": self.seed}

    def places(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return positions [B] and epochs [B] of the batch of ``step``."""
        return self.target.places(np.arange(step * self.batch_size, (step + 1) * self.batch_size), self.seed)

    def sample_names(self, step: int) -> list[str]:
        """Return the names of the samples of ``step``'s batch, for messages."""
        return [self.target.name(position) for position in self.places(step)[0]]

    def domain_of(self, role: str) -> Domain | None:
        """Return the target's samples."""
        return self.target if role == "target" else None

    def _build(self, step: int, start: int, stop: int) -> Batch:
        positions, epochs = self.places(step)
        return Batch(target=self.target.samples(positions[start:stop], epochs[start:stop]))


def given_by_target(target: Domain) -> frozenset[str]:
    """Return what a target gives, in the words of `headstart.deep.method.NEEDS`."""
    labels = {"all": ("target_labels", "some_target_labels"), "some": ("some_target_labels",), "none": ()}
    return frozenset({"target_inputs", *labels[target.labelled()]})


def pinned(value: Any) -> Any:
    """Return a batch, a state, or a state's named tensors, with their tensors in page-locked memory."""
    if isinstance(value, torch.Tensor):
        return value.pin_memory()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(pinned(item) for item in value))
    if isinstance(value, tuple):
        return tuple(pinned(item) for item in value)
    return {name: pinned(item) for name, item in value.items()} if isinstance(value, dict) else value


class _Ahead:
    """Fetches the next batches by threads while the current one is trained on."""

    def __init__(self, fetch: Callable[[int, int, int], Batch]) -> None:
        self.fetch = fetch
        self.depth = depth()
        self.pool: ThreadPoolExecutor | None = None
        self.waiting: dict[tuple[int, int, int], Future[Batch]] = {}

    def get(self, step: int, start: int, stop: int) -> Batch:
        if self.pool is None:
            self.pool = ThreadPoolExecutor(self.depth, thread_name_prefix="headstart-fetch")
        wanted = [(following, start, stop) for following in range(step, step + self.depth + 1)]
        for key in self.waiting.keys() - set(wanted):
            self.waiting.pop(key).cancel()
        for key in wanted:
            if key not in self.waiting:
                self.waiting[key] = self.pool.submit(self.fetch, *key)
        return self.waiting.pop(wanted[0]).result()

    def close(self) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=True, cancel_futures=True)
        self.pool, self.waiting = None, {}
