"""A saved network with its task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data.clips import CLIP
from headstart.errors import UserError
from headstart.models.adapting import outputs_after
from headstart.models.saved import SavedModel


@dataclass
class NetworkModel(SavedModel):
    """A network: its preprocessing travels with the weights."""

    network: Any
    logic: Any
    column: str | None = None

    @classmethod
    def load(cls, directory: Path, column: str | None = None) -> NetworkModel:
        """Load what `headstart.networks.save_network` wrote."""
        from headstart.networks import load_network

        network, logic = load_network(directory)
        if logic is None:
            raise UserError(
                f"{directory / 'network.json'} has no task, so its network cannot answer; fit the run again."
            )
        return cls(network, logic, column)

    @property
    def modality(self) -> str:
        return CLIP if "clip" in self.network.spec else self.network.preprocess.modality

    @property
    def wanted(self) -> Any:
        preprocess = self.network.preprocess
        return preprocess.wanted if preprocess.modality == "table" else self.column

    @property
    def writes(self) -> str:
        return self.logic.task.label_space.writes

    def written(self, dataset: Any, values: np.ndarray, out: Any) -> bool:
        return self.logic.written(dataset, values, out)

    def records(self, dataset: Any, values: np.ndarray) -> list[dict[str, Any]]:
        return self.logic.records(dataset, values)

    def answer(self, dataset: Any, device: str | None) -> np.ndarray:
        from headstart.engine import choose_device, predict, raw_fetch

        rows, place = np.arange(len(dataset)), choose_device(device)
        fetch = raw_fetch(dataset, rows, self.network.preprocess)
        return predict(self.network.to(place), self.logic, fetch, len(rows), device=place)

    def answer_adapted(self, dataset: Any, adapt: str, device: str | None) -> np.ndarray:
        from headstart.engine import choose_device, raw_fetch

        if self.writes:
            raise UserError(
                f"--adapt {adapt} is for one answer per sample, and this one is masks or boxes; leave --adapt out."
            )
        rows, place = np.arange(len(dataset)), choose_device(device)
        fetch = raw_fetch(dataset, rows, self.network.preprocess)
        return outputs_after(self.network.to(place), self.logic, adapt, fetch, len(rows), place)
