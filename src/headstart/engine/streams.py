"""What the loop trains on: batches as a pure function of the step."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from headstart.data.batches import Batch, Samples
from headstart.engine.ahead import depth

Fetch = Callable[[np.ndarray, Any], Any]
"""``fetch(positions [n], view)`` gives the states of n samples; ``view`` is one number, or one per sample [n]."""


class Stream:
    """Batches of a labelled target, each a pure function of its step: resuming neither replays nor skips data.

    The samples of all batches, one after another, are permutations of the training set, one per epoch, drawn from
    ``(seed, epoch)``. Batch t holds the places [t B, (t + 1) B) of that sequence, so every batch is full; a sample
    of epoch e comes in its view e mod ``views``.

    Parameters
    ----------
    fetch : positions and views to states, such as `States.fetch` or `raw_fetch`; the same arguments give the same
        states. Fetches with an attribute ``slow`` are made ahead of time by threads.
    labels : [n] or [n, k]
    batch_size : B, over all processes; at most n is used.
    seed : of the order.
    names : one per sample, for messages.
    views : number of augmented views.
    weights : [n], one per sample, or None.
    """

    def __init__(
        self,
        fetch: Fetch,
        labels: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        names: list[str] | None = None,
        views: int = 1,
        weights: np.ndarray | None = None,
    ) -> None:
        self.fetch, self.seed, self.names, self.views = fetch, seed, names, max(1, views)
        self.labels = np.asarray(labels)
        self.weights = None if weights is None else np.asarray(weights, dtype=np.float32)
        self.batch_size = max(1, min(batch_size, len(self.labels)))
        self._order = lru_cache(maxsize=4)(self._permutation)
        self._pinned = False
        self._ahead = _Ahead(self._samples) if getattr(fetch, "slow", False) else None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every sample was seen: n / B, rounded up."""
        return -(-len(self) // self.batch_size)

    @property
    def identity(self) -> dict[str, Any]:
        """What the batches depend on, for the key of a checkpoint."""
        names = None if self.names is None else "\n".join(self.names).encode()
        weights = None if self.weights is None else self.weights.tobytes()
        digest = hashlib.blake2b(digest_size=16)
        for part in (self.labels.tobytes(), weights, names):
            digest.update(b"|" if part is None else part)
        sizes = {"n": len(self), "batch_size": self.batch_size, "views": self.views, "order_seed": self.seed}
        return sizes | {"content": digest.hexdigest()}

    def places(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return positions [B] and epochs [B] of the batch of ``step``."""
        flat = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs, offsets = np.divmod(flat, len(self))
        positions = np.array([self._order(int(e))[o] for e, o in zip(epochs, offsets, strict=True)], dtype=np.int64)
        return positions, epochs

    def sample_names(self, step: int) -> list[str]:
        """Return the names of the samples of ``step``'s batch, for messages."""
        positions, _ = self.places(step)
        return [self.names[p] if self.names else f"sample {p}" for p in positions]

    def batch(self, step: int) -> Batch:
        """Return the whole batch of ``step``."""
        return self.part(step, 0, self.batch_size)

    def part(self, step: int, start: int, stop: int) -> Batch:
        """Return samples [start, stop) of the batch of ``step``; only these are fetched."""
        if self._ahead is None:
            return Batch(target=self._samples(step, start, stop))
        return Batch(target=self._ahead.get(step, start, stop))

    def feed_card(self) -> None:
        """Fetch ahead whatever the fetch costs, into memory that a card reads while it computes."""
        self._pinned = True
        self._ahead = self._ahead or _Ahead(self._samples)

    def close(self) -> None:
        """Stop fetching ahead."""
        if self._ahead is not None:
            self._ahead.close()

    def _samples(self, step: int, start: int, stop: int) -> Samples:
        positions, epochs = self.places(step)
        positions, views = positions[start:stop], epochs[start:stop] % self.views
        weight = None if self.weights is None else torch.from_numpy(self.weights[positions])
        names = None if self.names is None else [self.names[p] for p in positions]
        x = self.fetch(positions, views)
        if self._pinned:
            x = pinned(x)
        return Samples(x=x, y=torch.from_numpy(self.labels[positions]), weight=weight, names=names)

    def _permutation(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.seed, epoch]).permutation(len(self))


def pinned(value: Any) -> Any:
    """Return a state, or a state's named tensors, in page-locked memory."""
    if isinstance(value, torch.Tensor):
        return value.pin_memory()
    return {name: pinned(item) for name, item in value.items()} if isinstance(value, dict) else value


class _Ahead:
    """Fetches the next batches by threads while the current one is trained on."""

    def __init__(self, fetch: Callable[[int, int, int], Samples]) -> None:
        self.fetch = fetch
        self.depth = depth()
        self.pool: ThreadPoolExecutor | None = None
        self.waiting: dict[tuple[int, int, int], Future[Samples]] = {}

    def get(self, step: int, start: int, stop: int) -> Samples:
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
