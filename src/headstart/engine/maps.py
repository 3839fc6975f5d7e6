"""The mean maps of several stages and the pooled features of every sample, from one pass, kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headstart.engine.cache import cached_states, prefix_key
from headstart.engine.device import Place, choose_precision
from headstart.engine.shelf import Shelf, cache_directory
from headstart.engine.states import PLAIN
from headstart.networks.network import Network, mean_map

POOLED = "pooled"
Array = np.ndarray


class _Maps(Network):
    """A network whose state after the last cut is a dict: mean maps by stage, and the pooled features."""

    def __init__(self, network: Network, stages: Sequence[str]) -> None:
        spec = network.spec | {"maps": list(stages)}
        super().__init__(dict(network.stages.items()), network.pool, network.n_features, network.preprocess, spec)
        self._wanted = frozenset(stages)

    def run(self, x: Any, start: int = 0, stop: int | None = None) -> Any:
        found = {}
        for name, state in self._walk(x):
            x = state
            if name in self._wanted:
                found[name] = mean_map(state, self.frames)
        return found | {POOLED: self.pool(x)}


def cached_maps(
    network: Network,
    stages: Sequence[str],
    dataset: Any,
    rows: Array,
    *,
    batch_size: int = 64,
    directory: str | Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    precision: str | None = None,
) -> dict[str, Array] | None:
    """Return float64 features [n, d] of ``rows`` by stage, and under `POOLED` its own, from the cache if there.

    Everything comes from one pass over the samples. The pooled features also go where `cached_states` looks for them,
    so that a fit that follows finds them.

    Parameters
    ----------
    stages : names of stages whose maps are averaged over space or tokens.
    batch_size, directory, on_progress, precision : as of `cached_states`.

    Returns
    -------
    dict, or None where the maps would take more room than the cache may use.
    """
    directory = cache_directory(directory)
    maps = _Maps(network, stages).to(next(network.parameters()).device)
    states = cached_states(
        maps, len(maps.stages), dataset, rows, batch_size=batch_size, directory=directory,
        on_progress=on_progress, precision=precision, alone=True,
    )  # fmt: skip
    if states is None:
        return None
    found = states.fetch(np.arange(len(rows)))
    if states.computed:
        _share(network, dataset, rows, found[POOLED], directory, precision)
    return {name: tensor.numpy().astype(np.float64) for name, tensor in found.items()}


def _share(network: Network, dataset: Any, rows: Array, pooled: Any, directory: Path, precision: str | None) -> None:
    """Keep pooled features under the key by which `cached_states` looks for the last cut."""
    where = next(network.parameters()).device
    place = Place(where, choose_precision(where, precision))
    shelf = Shelf(directory / prefix_key(network, len(network.stages), place))
    wanted = [f"{content}:None" for content in dataset.hashes(rows)]
    shelf.open(set(wanted))
    todo = shelf.missing(wanted)
    if todo:
        shelf.add([wanted[place] for place in todo], {PLAIN: pooled[todo].contiguous()})
