"""Cached states of a data set, read row by row from memory-mapped chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

Chunk = dict[str, Tensor]
MASK = "attention_mask"
PLAIN = "state"
"""Name under which a state that is one tensor is kept."""
IN_MEMORY = 64 * 2**20
"""States up to this many bytes are put into one table in memory."""


def to_chunk(state: Any) -> Chunk:
    """Return a state as named tensors on the CPU; a mask in eight bits."""
    named = state if isinstance(state, dict) else {PLAIN: state}
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}
    return {name: tensor.to(torch.int8) if name == MASK else tensor for name, tensor in whole.items()}


def from_chunk(chunk: Chunk) -> Any:
    """Return named tensors as the state they were, floats in float32."""
    whole = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in chunk.items()}
    if MASK in whole:
        used = whole[MASK].any(dim=0).nonzero()
        length = int(used.max()) + 1 if len(used) else 1
        whole = {name: tensor[:, :length] if _runs_along(name, whole) else tensor for name, tensor in whole.items()}
        whole[MASK] = whole[MASK].long()
    return whole[PLAIN] if set(whole) == {PLAIN} else whole


def join(chunks: list[Chunk]) -> Chunk:
    """Join chunks; sequences are padded on the right, with mask 0, to the longest."""
    length = max((chunk[MASK].shape[1] for chunk in chunks if MASK in chunk), default=0)
    padded = [
        {name: _pad(tensor, length) if _runs_along(name, chunk) else tensor for name, tensor in chunk.items()}
        for chunk in chunks
    ]
    return {name: torch.cat([chunk[name] for chunk in padded]) for name in padded[0]}


def _runs_along(name: str, chunk: Chunk) -> bool:
    """Whether a tensor has the sequence's length as its second dimension."""
    return MASK in chunk and chunk[name].ndim >= 2 and chunk[name].shape[1] == chunk[MASK].shape[1]


def _pad(tensor: Tensor, length: int) -> Tensor:
    missing = length - tensor.shape[1]
    if missing == 0:
        return tensor
    return torch.cat([tensor, tensor.new_zeros(len(tensor), missing, *tensor.shape[2:])], dim=1)


def n_bytes(chunk: Chunk) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in chunk.values())


class States:
    """States of n samples after a cut, in one or several views; what a stream fetches instead of raw samples.

    Parameters
    ----------
    chunks : named tensors, memory-mapped.
    index : [n, views, 2], chunk and row of each sample's view.
    notes : sentences for the user, such as damaged chunks that were computed again.
    computed : number of states that were not in the cache.
    """

    def __init__(self, chunks: list[Chunk], index: np.ndarray, notes: list[str], computed: int) -> None:
        self.n_views = index.shape[1]
        self.notes, self.computed = notes, computed
        self._chunks, self._index = chunks, index
        self.n_bytes = sum(n_bytes(chunk) for chunk in chunks)
        if 0 < self.n_bytes <= IN_MEMORY:
            self._gather_all()

    def __len__(self) -> int:
        return len(self._index)

    def fetch(self, positions: np.ndarray, view: Any = 0) -> Any:
        """Return the states of ``positions`` [n] in ``view`` (one number, or one per sample [n])."""
        positions = np.asarray(positions)
        views = np.broadcast_to(np.asarray(view), positions.shape) % self.n_views
        return from_chunk(self._gather(self._index[positions, views]))

    def _gather_all(self) -> None:
        pairs = self._index.reshape(-1, 2)
        self._chunks = [self._gather(pairs)]
        rows = np.arange(len(pairs)).reshape(self._index.shape[:2])
        self._index = np.stack([np.zeros_like(rows), rows], axis=-1)

    def _gather(self, pairs: np.ndarray) -> Chunk:
        numbers = np.unique(pairs[:, 0])
        parts = [self._take(number, pairs[pairs[:, 0] == number, 1]) for number in numbers]
        if len(parts) == 1:
            return parts[0]
        came = torch.from_numpy(np.argsort(np.argsort(pairs[:, 0], kind="stable"), kind="stable"))
        return {name: tensor[came] for name, tensor in join(parts).items()}

    def _take(self, number: int, rows: np.ndarray) -> Chunk:
        wanted = torch.from_numpy(rows)
        return {name: tensor.index_select(0, wanted) for name, tensor in self._chunks[number].items()}
