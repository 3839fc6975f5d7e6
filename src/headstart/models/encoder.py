"""From raw samples to rows of numbers: a table's columns, or a backbone's frozen features."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data import Dataset, TableColumns
from headstart.errors import UserError
from headstart.foreign import unusable
from headstart.networks import Network, Source, TablePreprocess, load_network, save_network
from headstart.networks.expected import PREPROCESS, preprocess_rule
from headstart.schema import Items, Record, Text, read_checked, require
from headstart.storage import write_json

if TYPE_CHECKING:
    from headstart.choice.joint.behind import Behind

Array = np.ndarray
OnProgress = Callable[[int, int], None]
_CHUNK = 4096
ENCODER = Record({"preprocess": PREPROCESS["table"], "gaps": Items(Text())})


@dataclass(frozen=True)
class TableEncoder:
    """Standardised numbers, a 0/1 column where a number may be missing, and a 0/1 column per category.

    ``standardise`` says whether the features have units of their own, so that linear models count in deviations.

    Parameters
    ----------
    preprocess : means, deviations and categories of both domains' inputs.
    gaps : the numeric columns in which a value is missing somewhere.
    """

    preprocess: TablePreprocess
    gaps: tuple[str, ...]

    modality = "table"
    standardise = True
    grid = None

    @classmethod
    def fit(cls, datasets: list[Dataset], columns: TableColumns) -> TableEncoder:
        """Take the statistics of all rows of all domains; no label is read."""
        rows = [row for dataset in datasets for row in dataset.raw(np.arange(len(dataset)))]
        preprocess = TablePreprocess.fit(rows, columns)
        missing = preprocess(rows)["missing"].numpy().max(axis=0) > 0
        return cls(preprocess, tuple(name for name, gap in zip(preprocess.numeric, missing, strict=True) if gap))

    @property
    def names(self) -> list[str]:
        """One name per feature."""
        words = [f"{column} = {value}" for column, known in self.preprocess.categories.items() for value in known]
        return [*self.preprocess.numeric, *(f"{name} missing" for name in self.gaps), *words]

    @property
    def wanted(self) -> TableColumns:
        """What new inputs must hold."""
        return self.preprocess.wanted

    def features(self, dataset: Dataset, on_progress: OnProgress | None = None) -> Array:
        """Return [n, d] float64."""
        parts = [
            self._encode(dataset.raw(np.arange(start, min(start + _CHUNK, len(dataset)))))
            for start in range(0, len(dataset), _CHUNK)
        ]
        return np.concatenate(parts)

    def _encode(self, raws: list[Any]) -> Array:
        state = {name: tensor.numpy() for name, tensor in self.preprocess(raws).items()}
        gaps = [self.preprocess.numeric.index(name) for name in self.gaps]
        words = [
            np.eye(len(known) + 1)[state["categorical"][:, place]][:, 1:]
            for place, known in enumerate(self.preprocess.categories.values())
        ]
        return np.concatenate([state["numeric"], state["missing"][:, gaps], *words], axis=1).astype(np.float64)

    def save(self, directory: Path) -> None:
        write_json(directory / "encoder.json", {"preprocess": self.preprocess.to_json(), "gaps": list(self.gaps)})


@dataclass(frozen=True)
class Backbone:
    """Pooled features of a frozen network, from the cache where there is one."""

    network: Network

    standardise = False

    @classmethod
    def open(cls, source: Source) -> Backbone:
        from torch import nn

        network = source.build(pretrained=True)
        network.head = nn.Identity()
        network.freeze(len(network.stages))
        return cls(network)

    @property
    def modality(self) -> str:
        return self.network.preprocess.modality

    @property
    def grid(self) -> tuple[int, int, int] | None:
        """Channels, height and width where the features are pixels."""
        from headstart.networks.pixels import grid_of

        return grid_of(self.network)

    @property
    def names(self) -> None:
        """Features of a network have no names."""
        return

    def features(self, dataset: Dataset, on_progress: OnProgress | None = None) -> Array:
        """Return [n, d] float64, computed once per network and sample."""
        from headstart.engine import cached_states
        from headstart.engine.predict import pooled_features

        rows = np.arange(len(dataset))
        states = cached_states(
            self.network, len(self.network.stages), dataset, rows, batch_size=16, on_progress=on_progress, alone=True
        )
        if states is None:
            return pooled_features(self.network, dataset, rows)
        return states.fetch(rows, 0).float().numpy().astype(np.float64)

    def behind(
        self,
        datasets: Sequence[Dataset],
        rows: Array,
        depth: int,
        *,
        views: int = 1,
        seed: int = 0,
        device: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Behind:
        """Return the states behind ``rows``, the features of all ``datasets``: the frozen stages run once.

        States that would take more room than a cache may are computed anew whenever they are asked for. On another
        ``device`` than the network's they belong to a copy of it.
        """
        from headstart.choice.joint.behind import Behind
        from headstart.engine import cached_states, choose_device, raw_fetch

        network = self.network if device is None else copy.deepcopy(self.network).to(choose_device(device))
        cut = min(len(network.stages) - depth, network.last_cut)
        where: dict[str, Any] = {"views": views, "seed": seed}
        found: list[Any] = [None]
        if cut:
            found = [
                cached_states(
                    network, cut, one, np.arange(len(one)), batch_size=16, on_progress=on_progress, alone=True, **where
                )
                for one in datasets
            ]
        entry, fetches = cut, [one.fetch for one in found if one is not None]
        if len(fetches) < len(found):  # of one data set for all: batches of several enter at one place
            entry = 0
            fetches = [raw_fetch(one, np.arange(len(one)), network.preprocess, **where) for one in datasets]
        parts = [(len(one), fetch) for one, fetch in zip(datasets, fetches, strict=True)]
        return Behind(network, depth, entry, rows, parts, views)

    def save(self, directory: Path) -> None:
        save_network(self.network, None, directory / "backbone")


Encoder = TableEncoder | Backbone


def load_encoder(directory: Path) -> Encoder:
    """Read back what an encoder's ``save`` wrote."""
    if (directory / "backbone").is_dir():
        return Backbone(load_network(directory / "backbone")[0])
    path = directory / "encoder.json"
    value = read_checked(path, ENCODER)
    if not set(value["gaps"]) <= set(value["preprocess"]["mean"]):
        raise UserError(f"{path} names gaps in columns that are not there; the file is damaged or was edited.")
    require(value["preprocess"], preprocess_rule(value["preprocess"]), f"{path}, preprocess")
    with unusable(path):
        return TableEncoder(TablePreprocess.from_json(value["preprocess"]), tuple(value["gaps"]))


def make_encoder(sources: list[Dataset], target: Dataset, source: Source | None, *, unseen: bool = False) -> Encoder:
    """Return the encoder of both domains' inputs.

    Parameters
    ----------
    unseen : whether the target's rows take no part in it: a table's columns then count in units of the sources'.

    Raises
    ------
    UserError
        For images or texts without a backbone, a backbone of another modality, or one for a table.
    """
    modality = target.modality
    if modality == "table":
        if source is not None:
            raise UserError("A table's columns are its features: leave --source out when --source-data is a table.")
        assert target.columns is not None
        return TableEncoder.fit(sources if unseen else [*sources, target], target.columns)
    if source is None:
        raise UserError(
            f"The data are {modality}s, which need a backbone to become features; name one with --source, see "
            "`headstart sources`."
        )
    if source.modality != modality:
        raise UserError(f"The source {source.spec} takes {source.modality} input, but the data are {modality}s.")
    return Backbone.open(source)
