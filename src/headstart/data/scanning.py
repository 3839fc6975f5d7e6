"""One streaming pass over all samples: hashes, damage, odd kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from headstart.data import duplicates
from headstart.data.arrow import scratch_array
from headstart.data.dataset import Dataset
from headstart.data.images import decode_image
from headstart.data.inputs import DIGEST_BYTES, Records, digest
from headstart.data.memory import ran_out, too_little
from headstart.data.nearrows import near_rows

MOST_ROWS = 1_000_000
"""Rows of a table among which near duplicates are looked for: they are compared in memory."""
_CHUNK = 256
_THREADS = 4


class Finding(NamedTuple):
    digest: bytes = bytes(DIGEST_BYTES)
    near: bytes = b""
    hash: int = 0
    odd: tuple[str, ...] = ()
    damage: str = ""


class Scan:
    """The pass itself: what is kept per sample is its hash, and for images a miniature on disk."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.digests = np.zeros((len(dataset), DIGEST_BYTES), np.uint8)
        self.near = np.zeros((len(dataset), DIGEST_BYTES), np.uint8)
        self.hashes = np.zeros(len(dataset), np.uint64)
        is_image = dataset.modality == "image"
        self.miniatures = scratch_array((len(dataset), *duplicates.SKETCH) if is_image else (0,), "uint8")
        self.damaged: dict[int, str] = {}
        self.odd: dict[str, list[int]] = {}

    def run(self) -> None:
        for start, findings in _findings(self.dataset):
            for row, found in enumerate(findings, start):
                self._keep(row, found)
        self.dataset._digests[:] = [self.digests]

    def _keep(self, row: int, found: Finding) -> None:
        self.digests[row] = np.frombuffer(found.digest, np.uint8)
        self.hashes[row] = found.hash
        if found.damage:
            self.damaged[row] = found.damage
            return
        if self.dataset.modality == "image":
            self.miniatures[row] = np.frombuffer(found.near, np.uint8).reshape(duplicates.SKETCH)
        elif found.near:
            self.near[row] = np.frombuffer(found.near, np.uint8)
        for what in found.odd:
            self.odd.setdefault(what.split(" (")[0], []).append(row)

    def near_groups(self, keep: np.ndarray, exact: np.ndarray) -> np.ndarray | None:
        """Return a group number per kept row; ``exact`` numbers the groups of equal content among these."""
        if self.dataset.modality == "table":
            inputs = self.dataset.inputs
            rows = self.dataset.stored(np.flatnonzero(keep))
            return near_rows(inputs.columns, rows) if isinstance(inputs, Records) and len(rows) <= MOST_ROWS else None
        if self.dataset.modality == "text":
            return duplicates.same(self.near[keep])
        first, group = np.unique(exact, return_index=True, return_inverse=True)[1:]
        stored = np.flatnonzero(keep)[first]  # one of each content is enough
        return duplicates.near_pictures(self.hashes[stored], lambda rows: self.miniatures[stored[rows]])[group]


def _findings(dataset: Dataset) -> Iterator[tuple[int, list[Finding]]]:
    inspect = {"image": _inspect_image, "text": _inspect_text, "table": _inspect_record}[dataset.modality]

    def look(row: int, handle: Any) -> Finding:
        try:
            return _inspected(dataset, handle, inspect)
        except Exception as error:
            if ran_out(error):
                raise too_little(dataset.names([row])[0]) from error
            raise

    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(dataset), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(dataset)))
            handles = dataset.inputs.handles(dataset.stored(rows))
            each = pool.map if dataset.modality == "image" else map
            mapped = each(look, rows.tolist(), handles)
            yield start, list(mapped)


def _inspected(dataset: Dataset, handle: Any, inspect: Callable[[Dataset, Any], Finding]) -> Finding:
    try:
        content = dataset.inputs.load(handle)
    except OSError as error:
        if ran_out(error):
            raise
        return Finding(damage=error.strerror or str(error))
    try:
        return inspect(dataset, content)._replace(digest=digest(content))
    except Exception as error:  # Pillow raises nearly anything on a damaged file
        if ran_out(error):
            raise
        reason = "no image that can be recognised" if "cannot identify" in str(error) else str(error)
        return Finding(digest=digest(content), damage=reason or type(error).__name__)


def _inspect_image(dataset: Dataset, content: Any) -> Finding:
    picture, odd = decode_image(content)
    number, miniature = duplicates.sketch(picture)
    return Finding(near=miniature.tobytes(), hash=number, odd=tuple(odd))


def _inspect_text(dataset: Dataset, content: Any) -> Finding:
    text = dataset.inputs.decode(content)
    if not text.strip():
        return Finding(damage="the text is empty")
    return Finding(near=duplicates.text_digest(text))


def _inspect_record(dataset: Dataset, content: dict[str, Any]) -> Finding:
    if all(value is None or value != value for value in content.values()):
        return Finding(damage="all values are missing")
    return Finding()
