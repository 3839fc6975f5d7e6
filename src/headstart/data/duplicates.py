"""Exact and near duplicates in time that is linear in the number of samples, up to sorting."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import blake2b

import numpy as np
from PIL import Image

ROWS, COLUMNS = 8, 9
SKETCH = (2 * ROWS, 2 * COLUMNS)
Miniatures = Callable[[np.ndarray], np.ndarray]
_BANDS = 4
_NEIGHBOURS = 8
_MOST_BITS = 6
_CORRELATION = 0.99
_LEAST_CONTRAST = 2.0


def sketch(picture: Image.Image) -> tuple[int, np.ndarray]:
    """Return the 64-bit difference hash of a picture and its grey miniature uint8 [16, 18].

    Bit (i, j) of the hash says whether cell (i, j + 1) of an 8 x 9 grid of mean greys is lighter than cell
    (i, j); it survives scaling, recompression and changes of brightness.
    """
    grey = picture.convert("L").resize((4 * COLUMNS, 4 * ROWS), Image.Resampling.BILINEAR, reducing_gap=2.0)
    fine = np.asarray(grey, dtype=np.float32)
    small = fine.reshape(2 * ROWS, 2, 2 * COLUMNS, 2).mean(axis=(1, 3))
    cells = small.reshape(ROWS, 2, COLUMNS, 2).mean(axis=(1, 3))
    bits = (cells[:, 1:] > cells[:, :-1]).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big"), np.rint(small).astype(np.uint8)


def text_digest(text: str) -> bytes:
    """Return 16 bytes of BLAKE2b of a text without case, punctuation and spacing."""
    return blake2b(" ".join(re.findall(r"\w+", text.casefold())).encode(), digest_size=16).digest()


def same(digests: np.ndarray) -> np.ndarray:
    """Return a group number per row [n] for digests [n, 16]: equal digests, equal number."""
    if not len(digests):
        return np.zeros(0, np.int64)
    whole = np.ascontiguousarray(digests).view(f"V{digests.shape[1]}").ravel()
    return np.unique(whole, return_inverse=True)[1].ravel()


def near_pictures(hashes: np.ndarray, miniatures: Miniatures) -> np.ndarray:
    """Return a group number per picture [n]: near duplicates share it.

    Candidates share one of four 16-bit bands of their hashes (so that no pair within 3 bits is missed by the bands)
    and are neighbours within 8 in the order of the whole hash inside the band; they are near duplicates if
    their hashes differ in at most 6 bits and their miniatures correlate by at least 0.99. Pictures of one colour
    have no hash to speak of and never count.

    Parameters
    ----------
    hashes : [n] uint64.
    miniatures : gives uint8 [m, 16, 18] for m rows, so that they need not lie in memory.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = len(hashes)
    pairs = [_alike(miniatures, *near) for band in range(_BANDS) for near in _band_pairs(hashes, band)]
    left, right = np.concatenate([np.zeros((2, 0), np.int64), *pairs], axis=1)
    graph = coo_matrix((np.ones(len(left), bool), (left, right)), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _band_pairs(hashes: np.ndarray, band: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    key = (hashes >> np.uint64(16 * band)) & np.uint64(0xFFFF)
    order = np.lexsort((hashes, key))
    for shift in range(1, min(_NEIGHBOURS, len(hashes) - 1) + 1):
        left, right = order[:-shift], order[shift:]
        close = (key[left] == key[right]) & (_bits(hashes[left] ^ hashes[right]) <= _MOST_BITS)
        yield left[close], right[close]


def _bits(values: np.ndarray) -> np.ndarray:
    return np.unpackbits(np.ascontiguousarray(values).view(np.uint8).reshape(len(values), 8), axis=1).sum(axis=1)


def _alike(miniatures: Miniatures, left: np.ndarray, right: np.ndarray, chunk: int = 4096) -> np.ndarray:
    """Return those of the pairs whose miniatures have contrast and correlate, [2, pairs]."""
    alike = np.zeros(len(left), bool)
    for start in range(0, len(left), chunk):
        part = slice(start, start + chunk)
        a, b = _centred(miniatures(left[part])), _centred(miniatures(right[part]))
        norms = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
        enough = np.minimum(*norms) > _LEAST_CONTRAST * np.sqrt(a.shape[1])
        alike[part] = enough & ((a * b).sum(axis=1) >= _CORRELATION * norms[0] * norms[1])
    return np.stack([left[alike], right[alike]])


def _centred(miniatures: np.ndarray) -> np.ndarray:
    flat = miniatures.reshape(len(miniatures), -1).astype(np.float32)
    return flat - flat.mean(axis=1, keepdims=True)


def groups(numbers: np.ndarray) -> list[np.ndarray]:
    """Return the rows of every number that occurs more than once, in order of their first rows."""
    order = np.argsort(numbers, kind="stable")
    _, first, counts = np.unique(numbers[order], return_index=True, return_counts=True)
    found = [order[start : start + size] for start, size in zip(first, counts, strict=True) if size > 1]
    return sorted(found, key=lambda rows: int(rows[0]))
