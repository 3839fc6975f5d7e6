"""What stands behind rows of features: the states of a network's frozen stages, from which its last ones are trained.

A race hands rows of features around. A candidate that trains the network's own stages finds the states by them: equal
features are looked up by their content, so that nothing else in a race has to know of states.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from headstart.engine.domain import Fetch
from headstart.engine.states import from_chunk, join, to_chunk
from headstart.networks.network import Network

Array = np.ndarray


class Behind:
    """The states behind rows of features, and the network that goes on from them.

    Parameters
    ----------
    network : as it came, every stage frozen, its head an identity; never trained itself. depth : how many of its last
        stages candidates train. entry : the cut after which the states stand; 0 for preprocessed samples.
    features : [n, d] of all samples. parts : per data set how many samples it has, and their states by position and
        view; in the order of ``features``.
    views : how many views of a sample are at hand; where inputs are not augmented, all are the plain one.
    """

    def __init__(
        self,
        network: Network,
        depth: int,
        entry: int,
        features: Array,
        parts: Sequence[tuple[int, Fetch]],
        views: int = 1,
    ) -> None:
        self.network, self.depth, self.entry, self.views = network, depth, entry, views
        self._fetches = [fetch for _, fetch in parts]
        self._ends = np.cumsum([n for n, _ in parts])
        keys = _keys(features)
        self._places = {key: place for place, key in reversed(list(enumerate(keys)))}  # of equal rows the first

    def places(self, rows: Array) -> Array:
        """Return which samples rows of features are of, int64 [n].

        Raises
        ------
        ValueError
            For features of no sample that is here, such as mixtures of two.
        """
        found = [self._places.get(key) for key in _keys(rows)]
        if None in found:
            raise ValueError(f"no state is kept behind row {found.index(None)}: its features are of no sample here")
        return np.array(found, dtype=np.int64)

    def fetch(self, rows: Array) -> Fetch:
        """Return what gives the states of these rows by position and view."""
        places = self.places(rows)

        def fetch(positions: Array, view: Any = 0) -> Any:
            return self._states(places[np.asarray(positions)], view)

        fetch.slow = any(getattr(one, "slow", False) for one in self._fetches)  # type: ignore[attr-defined]
        return fetch

    def _states(self, places: Array, view: Any) -> Any:
        owners = np.searchsorted(self._ends, places, side="right")
        views = np.broadcast_to(np.asarray(view), places.shape)
        parts = []
        for owner in np.unique(owners):
            mine = owners == owner
            start = self._ends[owner - 1] if owner else 0
            parts.append(self._fetches[owner](places[mine] - start, views[mine]))
        if len(parts) == 1:
            return parts[0]
        whole = from_chunk(join([to_chunk(part) for part in parts]))
        order = np.argsort(np.argsort(owners, kind="stable"), kind="stable")
        return {name: part[order] for name, part in whole.items()} if isinstance(whole, dict) else whole[order]


def _keys(rows: Any) -> list[bytes]:
    """Return a digest of each row's content."""
    return [blake2b(row.tobytes(), digest_size=16).digest() for row in np.asarray(rows, dtype=np.float64)]
