"""Both sides of pairs: two networks into one space, each a saved network of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import UserError
from headstart.models.saved import SavedModel
from headstart.networks.projection import PAIRS, SIDES
from headstart.schema import Items, Maybe, Number, Record, Text, Whole, read_checked
from headstart.storage import save_tensors, write_json

SCHEMA = 1
DOCUMENT = Record(
    {"schema": Whole(1), "method": Text(), "steepness": Number(1e-6, 1e6), "columns": Items(Maybe(Text()), 2, 2)}
)


@dataclass
class PairsModel(SavedModel):
    """Two networks whose features are compared by cosines.

    Attributes
    ----------
    networks : of the left and the right side. columns : that held each side's texts or pictures, where it was one.
    steepness : factor of cosines that was learned.
    """

    networks: tuple[Any, Any]
    columns: tuple[str | None, str | None]
    steepness: float
    method: str
    column: str | None = None

    @property
    def logic(self) -> Any:  # type: ignore[override]
        raise UserError(
            f"This run learned from pairs ({self.method}) and has no task to answer; `headstart predict` gives "
            "features of either side, and `headstart fit DATA --source RUN` learns a task from one."
        )

    @property
    def modality(self) -> str:
        return self.networks[0].preprocess.modality

    @property
    def wanted(self) -> Any:
        return self._wanted(0)

    def _wanted(self, side: int) -> Any:
        preprocess = self.networks[side].preprocess
        return preprocess.wanted if preprocess.modality == "table" else self.columns[side]

    def open(self, inputs: Any) -> Any:
        """Open new inputs as those of the left side, or, where they are none, of the right."""
        from headstart.data import Dataset, open_inputs

        return inputs if isinstance(inputs, Dataset) else self._either(open_inputs, inputs)

    def open_files(self, files: list[str]) -> Any:
        from headstart.data import open_files

        return self._either(open_files, files)

    def _either(self, ask: Any, given: Any) -> Any:
        modalities = [network.preprocess.modality for network in self.networks]
        try:
            return ask(given, modality=modalities[0], columns=self._wanted(0))
        except UserError as error:
            if modalities[0] == modalities[1]:
                raise
            try:
                return ask(given, modality=modalities[1], columns=self._wanted(1))
            except UserError as other:
                raise UserError(f"{str(error).rstrip('.')}; nor is it the right side ({other})") from other

    def answer(self, dataset: Any, device: str | None) -> np.ndarray:
        """Return features [n, d] of the side that reads such data; of the left one where both do."""
        import torch

        from headstart.engine import choose_device, raw_fetch

        network = next((one for one in self.networks if one.preprocess.modality == dataset.modality), self.networks[0])
        place = choose_device(device)
        fetch = raw_fetch(dataset, np.arange(len(dataset)), network.to(place).eval().preprocess)
        found = []
        with torch.no_grad():
            for start in range(0, len(dataset), 64):
                x = fetch(np.arange(start, min(start + 64, len(dataset))), 0)
                x = {name: one.to(place) for name, one in x.items()} if isinstance(x, dict) else x.to(place)
                found.append(network.features(x).cpu().numpy())
        return np.concatenate(found).astype(np.float64)

    def name(self, predictions: np.ndarray) -> list[Any]:
        return predictions.tolist()

    def told(self, values: np.ndarray) -> list[dict[str, Any]]:
        return [{f"feature_{i + 1}": round(float(v), 6) for i, v in enumerate(row)} for row in values]


def save_pairs(
    networks: Any,
    *,
    steepness: float,
    columns: list[str | None],
    method: str,
    features: Any,
    directory: Path,
    card: str,
) -> None:
    """Write both sides, each with features of samples that were held out, and what joins them."""
    import torch

    from headstart.networks import save_network
    from headstart.storage import write_text

    for side, network, found in zip(SIDES, networks, features, strict=True):
        save_network(network, None, directory / side, card=card)
        save_tensors(directory / side / "reference.safetensors", {"features": torch.as_tensor(found)})
    write_text(directory / "README.md", card)
    write_json(directory / PAIRS, {"schema": SCHEMA, "method": method, "steepness": steepness, "columns": columns})


def load_pairs(directory: Path) -> PairsModel:
    """Load what `save_pairs` wrote.

    Raises
    ------
    UserError
        If files are missing, damaged, newer than this version, or do not fit together.
    """
    from headstart.networks import load_network

    value = read_checked(directory / PAIRS, DOCUMENT)
    if value["schema"] > SCHEMA:
        raise UserError(f"{directory} was written by a newer version of Headstart; upgrade to read it.")
    left, right = (load_network(directory / side)[0] for side in SIDES)
    if left.n_features != right.n_features:
        raise UserError(f"{directory} has sides of {left.n_features} and {right.n_features} features; it was edited.")
    return PairsModel((left, right), tuple(value["columns"]), value["steepness"], value["method"])
