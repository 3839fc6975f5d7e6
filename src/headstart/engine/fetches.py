"""Decode and preprocess on the fly."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headstart.networks.preprocess import Preprocess

KEPT = 2**28
"""Bytes of plain pictures that a fetch keeps decoded, of those that were asked for a second time."""


def view_seed(seed: int, content: str, view: int) -> int:
    """Return the seed of an augmented view, made of the run's seed, the sample's content hash and the view's number."""
    digest = hashlib.blake2b(f"{seed}|{content}|{view}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")


class RawFetch:
    """Fetches preprocessed samples; see `raw_fetch`."""

    slow = True

    def __init__(self, dataset: Any, rows: np.ndarray, preprocess: Preprocess, views: int, seed: int) -> None:
        self.dataset, self.rows, self.preprocess = dataset, np.asarray(rows), preprocess
        self.n_views, self.seed = views, seed
        self._contents: dict[int, str] = {}
        self._seen: set[int] = set()
        self._kept: dict[int, Tensor] = {}
        self._room = KEPT

    def __len__(self) -> int:
        return len(self.rows)

    def __call__(self, positions: np.ndarray, view: Any = 0) -> Any:
        rows = self.rows[np.asarray(positions)]
        seeds = None
        if self.n_views > 1 and self.preprocess.augments:
            views = np.broadcast_to(np.asarray(view), (len(rows),)) % self.n_views
            pairs = zip(self._hashes(rows), views, strict=True)
            seeds = [view_seed(self.seed, content, int(number)) if number else None for content, number in pairs]
        if seeds is None and self.preprocess.modality == "image":
            return self._pictures([int(row) for row in rows])
        return self.preprocess(self.dataset.raw(rows), seeds)

    def _pictures(self, rows: list[int]) -> Tensor:
        """Return plain pictures; each is decoded twice at most, while there is room."""
        kept = {row: self._kept[row] for row in rows if row in self._kept}
        fresh = [row for row in dict.fromkeys(rows) if row not in kept]
        if not kept and len(fresh) == len(rows):
            found = self.preprocess(self.dataset.raw(np.array(rows, dtype=int)), None)
            if isinstance(found, Tensor):
                self._keep(dict(zip(rows, found, strict=True)))
            return found
        made = self.preprocess(self.dataset.raw(np.array(fresh)), None) if fresh else []
        new = dict(zip(fresh, made, strict=True))
        self._keep(new)
        return torch.stack([new[row] if row in new else kept[row] for row in rows])

    def _keep(self, pictures: dict[int, Tensor]) -> None:
        for row, picture in pictures.items():
            if row in self._seen and picture.nbytes <= self._room:
                self._room -= picture.nbytes
                self._kept[row] = picture.clone()
            self._seen.add(row)

    def _hashes(self, rows: np.ndarray) -> list[str]:
        missing = [int(row) for row in rows if int(row) not in self._contents]
        if missing:
            self._contents.update(zip(missing, self.dataset.hashes(np.array(missing)), strict=True))
        return [self._contents[int(row)] for row in rows]


def raw_fetch(dataset: Any, rows: np.ndarray, preprocess: Preprocess, *, views: int = 1, seed: int = 0) -> RawFetch:
    """Return a fetch that decodes and preprocesses ``dataset``'s rows when they are asked for.

    View 0 is the plain view; each other one is augmented from a seed made of ``seed``, the sample's content and the
    view's number, so that the same view is the same tensor in any order, process or run.

    Parameters
    ----------
    dataset : `headstart.data.Dataset`
    rows : [n] row numbers; positions count within them.
    preprocess : the network's.
    views : number of views; larger than the number of epochs for views that never come back.
    seed : of the augmentation.
    """
    return RawFetch(dataset, rows, preprocess, views, seed)
