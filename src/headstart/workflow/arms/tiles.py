"""What is learned from where canvases are large: tiles of the training pictures. Whole pictures choose and judge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from headstart.data import Dataset
from headstart.data.scenes.tiles import tiled
from headstart.networks import Network
from headstart.networks.scene_preprocess import ScenePreprocess
from headstart.workflow.arms.workbench import Workbench


@contextmanager
def learned_from(bench: Workbench, network: Network, rows: np.ndarray) -> Iterator[tuple[Dataset, np.ndarray]]:
    """Give what is learned from for some training rows; inside, the network takes it as it comes.

    It is the rows themselves, or, where the task says a tile, the tiles of their pictures in rows of their own, so that
    batches stay a pure function of the step.
    """
    tile = bench.logic.tile
    if not tile:
        yield bench.dataset, rows
        return
    whole = network.preprocess
    assert isinstance(whole, ScenePreprocess)
    network.preprocess = whole.whole(tile)
    try:
        data = tiled(bench.dataset, rows, whole.size, tile)
        yield data, data.splits["train"]
    finally:
        network.preprocess = whole


def tiles_per_picture(bench: Workbench) -> float:
    """Return how many tiles a training picture has, on average; 1 where pictures are learned from whole."""
    rows, tile = bench.dataset.splits["train"], bench.logic.tile
    if not tile or not len(rows):
        return 1.0
    network = bench.network(pretrained=False, seed=0)
    with learned_from(bench, network, rows) as (data, _):
        return len(data) / len(rows)
