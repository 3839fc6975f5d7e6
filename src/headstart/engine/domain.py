"""The samples of one domain, in an order and views of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from headstart.data.batches import Samples
from headstart.engine.labels import ViewedLabels, as_labels, given_labels, pick_labels
from headstart.errors import UserError

Fetch = Callable[[np.ndarray, Any], Any]
"""``fetch(positions [n], view)`` gives the states of n samples; ``view`` is one number, or one per sample [n]."""


class Domain:
    """Samples of one domain, as a pure function of places in the sequence that their epochs make.

    The sequence is permutations of the samples, one per epoch, drawn from ``(seed, epoch)`` and, for every domain but
    the target, its number. A sample of epoch e comes in views ``shown * e`` to ``shown * e + shown - 1``, modulo
    ``views``.

    Parameters
    ----------
    fetch : positions and views to states, such as `States.fetch` or `raw_fetch`; the same arguments give the same
        states. Fetches with an attribute ``slow`` are made ahead of time by threads.
    labels : [n] or [n, k], a list where they are ragged (see `Samples.y`), or `ViewedLabels`, of which a batch holds
        those of its first view; None: nothing is labelled.
    n : number of samples, where there are no labels to count.
    names : one per sample, for messages.
    views : number of views at hand. shown : how many of them a batch holds of each sample.
    weights : [n], one per sample, or None.
    """

    def __init__(
        self,
        fetch: Fetch,
        labels: Any = None,
        *,
        n: int | None = None,
        names: list[str] | None = None,
        views: int = 1,
        shown: int = 1,
        weights: np.ndarray | None = None,
    ) -> None:
        self.fetch, self.names, self.views, self.shown = fetch, names, max(1, views), shown
        self.labels = None if labels is None else as_labels(labels)
        self.weights = None if weights is None else np.asarray(weights, dtype=np.float32)
        self.n = _count(self.labels, n, names)
        self.slow = bool(getattr(fetch, "slow", False))
        self._order = lru_cache(maxsize=4)(self._permutation)
        if not 1 <= shown <= self.views:
            raise UserError(f"A batch cannot show {shown} views of each sample where {self.views} are at hand.")

    def __len__(self) -> int:
        return self.n

    @property
    def identity(self) -> dict[str, Any]:
        """What the samples depend on, for the key of a checkpoint."""
        names = None if self.names is None else "\n".join(self.names).encode()
        weights = None if self.weights is None else self.weights.tobytes()
        digest = hashlib.blake2b(digest_size=16)
        for part in (_bytes(self.labels), weights, names):
            digest.update(b"|" if part is None else part)
        sizes = {"n": self.n, "views": self.views, "content": digest.hexdigest()}
        return sizes if self.shown == 1 else sizes | {"shown": self.shown}

    def labelled(self) -> str:
        """Return whether ``all``, ``some`` or ``none`` of the samples have a label."""
        given = given_labels(self.labels) if self.labels is not None else torch.zeros(1)
        return "all" if given.all() else "some" if given.any() else "none"

    def places(self, flat: np.ndarray, seed: int, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return positions and epochs of the places ``flat`` in the sequence of domain ``number`` (0: the target)."""
        epochs, offsets = np.divmod(flat, self.n)
        drawn = [self._order(seed, number, int(e))[o] for e, o in zip(epochs, offsets, strict=True)]
        return np.array(drawn, dtype=np.int64), epochs

    def samples(self, positions: np.ndarray, epochs: np.ndarray) -> Samples:
        """Return these samples in the views of their epochs."""
        numbers = [(epochs * self.shown + number) % self.views for number in range(self.shown)]
        x, *more = [self.fetch(positions, views) for views in numbers]
        return Samples(
            x=x,
            y=None if self.labels is None else pick_labels(self.labels, positions, numbers[0]),
            weight=None if self.weights is None else torch.from_numpy(self.weights[positions]),
            names=None if self.names is None else [self.names[p] for p in positions],
            rows=torch.from_numpy(positions),
            more=tuple(more),
        )

    def name(self, position: int, kind: str = "sample") -> str:
        """Return what a sample is called in messages."""
        return self.names[position] if self.names else f"{kind} {position}"

    def _permutation(self, seed: int, number: int, epoch: int) -> np.ndarray:
        key = [seed, epoch, number] if number else [seed, epoch]
        return np.random.default_rng(key).permutation(self.n)


def _count(labels: Any, n: int | None, names: list[str] | None) -> int:
    known_sizes = [len(value) for value in (labels, names) if value is not None] + ([] if n is None else [n])
    if len(set(known_sizes)) != 1 or known_sizes[0] == 0:
        raise UserError(f"A stream needs samples, as many as labels and names; {sorted(set(known_sizes))} were given.")
    return known_sizes[0]


def _bytes(labels: Any) -> bytes | None:
    if isinstance(labels, ViewedLabels):
        return labels.content
    if not isinstance(labels, list):
        return None if labels is None else labels.tobytes()
    flat = [list(value.values()) if isinstance(value, dict) else [value] for value in labels]
    texts = ["-" if t is None else f"{tuple(t.shape)}{t.tolist()}" for tensors in flat for t in tensors]
    return "|".join(texts).encode()
