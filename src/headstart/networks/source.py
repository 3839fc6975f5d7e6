"""What knowledge comes from: weights, an architecture, and what is known about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.networks.network import Network
from headstart.networks.table_preprocess import TablePreprocess
from headstart.problem import Domain, Task
from headstart.storage import load_tensors

if TYPE_CHECKING:
    from headstart.data import TableColumns

Make = Callable[[bool, TablePreprocess | None], Network]


@dataclass(frozen=True)
class Source:
    """A pretrained model, an architecture or an earlier run, as `headstart.networks.open_source` found it.

    Parameters
    ----------
    spec : what was typed after ``--source``.
    kind : timm, torchvision, hf, file, run or bundled.
    modality : image, text or table.
    domain : what one input is and where it came from.
    task : what the source was trained to predict, None where that is not known.
    title, licence, paper : for people; empty where not known.
    make : ``make(pretrained, statistics)`` builds the network; called under a seeded generator.
    reference_file : safetensors with the tensor ``features``, None where there is none.
    means : how class means of its features are compared best, by its own few-shot episodes: "prototypes" or "cosine";
        empty for a source that was trained on none.
    others : further sides of a source of several, such as the text side of pictures and captions.
    entails : for a model that tells entailment, makes a source of hypotheses, a row of all classes per template.
    accuracy : published, or held out, on the source's own task, in [0, 1]; None where it is not known.
    """

    spec: str
    kind: str
    modality: str
    domain: Domain
    task: Task | None = field(repr=False)
    title: str
    licence: str
    paper: str
    make: Make = field(repr=False, compare=False)
    reference_file: Path | None = field(default=None, repr=False, compare=False)
    accuracy: float | None = None
    means: str = ""
    entails: Callable[[Sequence[Sequence[str]]], Source] | None = field(default=None, repr=False, compare=False)
    others: tuple[Source, ...] = field(default=(), repr=False, compare=False)

    def facing(self, modality: str) -> Source:
        """Return the side that takes such input, where a source has several; else this one."""
        every = (self, *self.others)
        found = next((source for source in every if source.modality == modality), self)
        return found if found is self else replace(found, others=tuple(one for one in every if one is not found))

    @isolate
    def build(
        self,
        *,
        pretrained: bool = True,
        seed: int = 0,
        columns: TableColumns | None = None,
        statistics: TablePreprocess | None = None,
    ) -> Network:
        """Return a new network without a head, in evaluation mode.

        Parameters
        ----------
        pretrained : take the source's weights; False builds the same architecture from random ones and downloads
            nothing.
        seed : of the random weights; torch's own generator stays as it was.
        columns, statistics : of the target's table, for networks on tables: its columns, and its fitted
            `TablePreprocess` (by default mean 0 and standard deviation 1). Columns that the source knows by name keep
            their weights, and their units.

        Raises
        ------
        UserError
            If the weights are not at hand or do not fit.
        """
        if self.modality != "table":
            statistics = None
        elif statistics is None and columns is not None:
            statistics = TablePreprocess.unfitted(columns)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            network = self.make(pretrained, statistics)
        return network.eval()

    def reference(self) -> Tensor | None:
        """Return features [n, d] of a sample of the source's own inputs, where they are at hand."""
        if self.reference_file is None or not self.reference_file.is_file():
            return None
        tensors, _ = load_tensors(self.reference_file)
        if "features" not in tensors:
            raise UserError(f"{self.reference_file} holds no tensor 'features'; the file is of another kind.")
        features = tensors["features"]
        if features.ndim != 2 or not features.is_floating_point() or not torch.isfinite(features).all():
            raise UserError(f"{self.reference_file} holds no rows of finite features; fit the run again.")
        return features
