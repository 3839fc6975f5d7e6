"""What a source makes of the training rows: features by stage, computed once, and how fast it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from headstart.data import Dataset
from headstart.engine import choose_device
from headstart.engine.device import move
from headstart.engine.maps import POOLED, cached_maps
from headstart.engine.predict import evaluating
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.networks import Network, Source, TablePreprocess, open_source
from headstart.networks.columns import build_columns, columns_spec

Array = np.ndarray
TAPPED = 4
"""Last stages whose mean maps are tried beside the pooled features."""
WORDS = 2_000
"""Words that a bag of words counts."""


@dataclass
class Material:
    """The rows that all candidates encode, and what encoding needs.

    Attributes
    ----------
    dataset : the target. rows : of its training split, ascending. device, precision : where sources compute.
    """

    dataset: Dataset
    rows: Array
    progress: Progress
    device: str | None = None
    precision: str | None = None
    seed: int = 0

    @cached_property
    def labels(self) -> Array:
        assert self.dataset.task is not None
        return self.dataset.task.label_space.as_labels(self.dataset.labels(self.rows))

    @cached_property
    def statistics(self) -> TablePreprocess | None:
        """Of the whole training split, as a fit has them, so that both read one cache."""
        columns = self.dataset.columns
        return None if columns is None else TablePreprocess.fit(self.dataset.raw(self.dataset.splits["train"]), columns)


@dataclass(frozen=True)
class Encoded:
    """Features of all rows, [n, d] by stage, `POOLED` among them; samples per second; parameters of the network."""

    maps: dict[str, Array] = field(repr=False)
    speed: float | None
    parameters: int


def encode_source(source: Source, material: Material, name: str, *, pretrained: bool = True) -> Encoded:
    """Run the rows through a source once; what the cache has is not computed again.

    Raises
    ------
    UserError
        If the source's weights are not at hand, it shares no column with the target, or the features have no room.
    """
    dataset = material.dataset
    space = set(source.domain.space)
    if pretrained and dataset.columns is not None and space and not space & set(dataset.columns.names):
        raise UserError(f"The source {source.spec} shares no column with {dataset.name}.")
    network = source.build(
        pretrained=pretrained, seed=material.seed, columns=dataset.columns, statistics=material.statistics
    )
    return encode_network(network.to(choose_device(material.device)), material, name)


def encode_network(network: Network, material: Material, name: str) -> Encoded:
    """Run the rows through a network once."""
    progress, rows = material.progress, material.rows
    begun = False

    def report(done: int, total: int) -> None:
        nonlocal begun
        if not begun:
            progress.stage(name, total, watch=False)
        begun = True
        progress.done(done, total)

    cpu = next(network.parameters()).device.type == "cpu"
    maps = cached_maps(
        network,
        network.stage_names[-TAPPED:],
        material.dataset,
        rows,
        batch_size=16 if cpu else 128,
        on_progress=report,
        precision=material.precision,
    )
    if maps is None:
        raise UserError(f"The features of {name} take more room than the cache may use; free some disk space.")
    parameters = sum(p.numel() for p in network.parameters())
    return Encoded(_different(maps), _speed(network, material), parameters)


def _different(maps: dict[str, Array]) -> dict[str, Array]:
    """Leave out stages whose mean map is the pooled features."""
    pooled = maps[POOLED]
    own = {name: x for name, x in maps.items() if x.shape != pooled.shape or not np.allclose(x, pooled, atol=1e-6)}
    return {POOLED: pooled} | own


def _speed(network: Network, material: Material, most: int = 8) -> float:
    """Return samples per second of one small batch, decoding included, after one sample to warm up."""
    where, rows = next(network.parameters()).device, material.rows[:most]

    def run(some: Array) -> Any:
        return network.run(move(network.preprocess(material.dataset.raw(some), None), where))

    with evaluating(network):
        run(rows[:1])
        began = time.perf_counter()
        run(rows)
    return len(rows) / max(time.perf_counter() - began, 1e-9)


def encode_plain(material: Material) -> tuple[str, Encoded]:
    """Return the features that need no source, and their name: raw pixels, a bag of words, or raw columns."""
    dataset = material.dataset
    if dataset.modality == "text":
        return "bag of words", Encoded({POOLED: _bag(dataset.raw(material.rows))}, None, 0)
    if dataset.modality == "table":
        assert material.statistics is not None
        network, name = build_columns(columns_spec(material.statistics), material.statistics), "raw columns"
    else:
        network, name = open_source("headstart/pixels").build(pretrained=True), "raw pixels"
    encoded = encode_network(network, material, name)
    return name, Encoded({POOLED: encoded.maps[POOLED]}, None, 0)


def _bag(texts: list[str]) -> Array:
    """Return term frequencies times inverse document frequencies of the most frequent words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(max_features=WORDS, sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    try:
        return vectorizer.fit_transform(texts).toarray()
    except ValueError:  # texts without a word
        return np.zeros((len(texts), 1))
