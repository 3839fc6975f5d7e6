"""What was learned without labels: features of new samples, and, of an autoencoder, how unusual each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import UserError
from headstart.models.saved import BLIND, SavedModel
from headstart.schema import Items, Maybe, Number, Record, Row, Text, Whole, read_checked, require
from headstart.storage import load_tensors, save_tensors, write_json

SCHEMA = 1
ERRORS = Row((Number(0), Number(0)))
DOCUMENT = Record(
    {"schema": Whole(1), "method": Text(), "decoder": Maybe(Record({"kind": Text()})), "usual": Items(Number(0))}
)
QUANTILES = 101


@dataclass
class BlindModel(SavedModel):
    """A network without a task, and perhaps a decoder.

    Attributes
    ----------
    usual : quantiles of the errors of held-out samples, ascending; empty without a decoder.
    """

    network: Any
    decoder: Any
    method: str
    usual: np.ndarray
    column: str | None = None

    @property
    def logic(self) -> Any:  # type: ignore[override]
        raise UserError(
            f"This run learned without labels ({self.method}) and has no task to answer; `headstart predict` gives "
            "features and anomaly scores, and `headstart fit DATA --source RUN` learns a task from it."
        )

    @property
    def modality(self) -> str:
        return self.network.preprocess.modality

    @property
    def wanted(self) -> Any:
        preprocess = self.network.preprocess
        return preprocess.wanted if preprocess.modality == "table" else self.column

    def answer(self, dataset: Any, device: str | None) -> np.ndarray:
        """Return each sample's error, where there is a decoder, and its code or features, [n, (1 +) d]."""
        import torch

        from headstart.engine import choose_device, raw_fetch
        from headstart.networks.decoders import reconstruct

        place = choose_device(device)
        network, decoder = (
            self.network.to(place).eval(),
            self.decoder if self.decoder is None else self.decoder.to(place),
        )
        fetch = raw_fetch(dataset, np.arange(len(dataset)), network.preprocess)
        found = []
        for start in range(0, len(dataset), 64):
            x = fetch(np.arange(start, min(start + 64, len(dataset))), 0)
            x = {name: one.to(place) for name, one in x.items()} if isinstance(x, dict) else x.to(place)
            with torch.no_grad():
                if decoder is None:
                    found.append(network.features(x).cpu().numpy())
                    continue
            code, _, errors = reconstruct(network, decoder, x)
            found.append(torch.cat([errors[:, None], code], dim=1).cpu().numpy())
        return np.concatenate(found).astype(np.float64)

    def name(self, predictions: np.ndarray) -> list[Any]:
        """Return anomaly scores, or features where nothing is reconstructed."""
        return predictions[:, 0].tolist() if self.decoder is not None else predictions.tolist()

    def told(self, values: np.ndarray) -> list[dict[str, Any]]:
        """Return each sample's anomaly score, the share of held-out samples with a smaller one, and its features."""
        records = []
        for row in values:
            features = row if self.decoder is None else row[1:]
            record: dict[str, Any] = {}
            if self.decoder is not None:
                below = np.searchsorted(self.usual, row[0]) / max(len(self.usual), 1)
                record = {"anomaly": round(float(row[0]), 6), "share_below": round(float(below), 4)}
            records.append(record | {f"feature_{i + 1}": round(float(v), 6) for i, v in enumerate(features)})
        return records


def save_blind(network: Any, decoder: Any, method: str, errors: np.ndarray | None, directory: Path, card: str) -> None:
    """Write a network without a task, with its decoder and what is usual."""
    from headstart.networks import save_network

    save_network(network, None, directory, card=card)
    if decoder is not None:
        save_tensors(directory / "decoder.safetensors", decoder.state_dict())
    usual = [] if errors is None else np.quantile(errors, np.linspace(0, 1, QUANTILES)).tolist()
    spec = None if decoder is None else decoder.spec
    write_json(directory / BLIND, {"schema": SCHEMA, "method": method, "decoder": spec, "usual": usual})


def load_blind(directory: Path, column: str | None = None) -> BlindModel:
    """Load what `save_blind` wrote.

    Raises
    ------
    UserError
        If files are missing, damaged, newer than this version, or do not fit together.
    """
    from headstart.networks import load_network
    from headstart.networks.decoders import SPEC, build_decoder
    from headstart.networks.sized import bounded
    from headstart.networks.weights import load_matching

    network, _ = load_network(directory)
    path = directory / BLIND
    value = read_checked(path, DOCUMENT)
    if value["schema"] > SCHEMA:
        raise UserError(f"{directory} was written by a newer version of Headstart; upgrade to read it.")
    spec, decoder = value["decoder"], None
    if spec is not None:
        if spec["kind"] not in SPEC:
            raise UserError(f"{path} names a decoder '{spec['kind'][:40]}' that this version does not know; upgrade.")
        require(spec, SPEC[spec["kind"]], f"{path}, decoder")
        if spec["n_features"] != network.n_features:
            raise UserError(f"{path} tells of other features than its network has; the file was edited.")
        with bounded(path, directory / "decoder.safetensors"):
            decoder = build_decoder(spec).eval()
        tensors, _ = load_tensors(directory / "decoder.safetensors")
        load_matching(decoder, tensors, str(directory / "decoder.safetensors"))
    return BlindModel(network, decoder, value["method"], np.array(value["usual"], dtype=np.float64), column)
