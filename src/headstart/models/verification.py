"""A model that says who is who: vectors of samples, a threshold, and people known from a few pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import UserError
from headstart.functional.verification import unit
from headstart.isolated import isolate
from headstart.models.answers import answered
from headstart.models.saved import VERIFICATION, SavedModel
from headstart.schema import Number, Record, Text, Whole, read_checked
from headstart.storage import write_json

SCHEMA = 1
DOCUMENT = Record({"schema": Whole(1), "arm": Text(), "threshold": Number(-1.01, 1.01), "false_accepts": Number(0, 1)})
UNKNOWN = "unknown"


@dataclass
class VerificationModel(SavedModel):
    """A network whose outputs are vectors; the cosine of two says whether they are of one person.

    Attributes
    ----------
    threshold : cosine from which two samples count as one person's. false_accepts : the share of impostors below which
        it was set, on people that nothing else learned from.
    """

    network: Any
    arm: str
    threshold: float
    false_accepts: float
    column: str | None = None

    @property
    def logic(self) -> Any:  # type: ignore[override]
        raise UserError(
            "This run says who is who and has no classes of its own; give known people: `headstart predict RUN "
            "PICTURES --gallery KNOWN/`."
        )

    @property
    def modality(self) -> str:
        return self.network.preprocess.modality

    @property
    def wanted(self) -> Any:
        preprocess = self.network.preprocess
        return preprocess.wanted if preprocess.modality == "table" else self.column

    def answer(self, dataset: Any, device: str | None) -> np.ndarray:
        """Return each sample's vector at length 1, [n, e]."""
        import torch

        from headstart.engine import choose_device, raw_fetch

        place, found = choose_device(device), []
        network = self.network.to(place).eval()
        fetch = raw_fetch(dataset, np.arange(len(dataset)), network.preprocess)
        for start in range(0, len(dataset), 64):
            x = fetch(np.arange(start, min(start + 64, len(dataset))), 0)
            x = {name: one.to(place) for name, one in x.items()} if isinstance(x, dict) else x.to(place)
            with torch.no_grad():
                found.append(network(x).float().cpu().numpy())
        return unit(np.concatenate(found).astype(np.float64))

    @isolate
    def embed(self, inputs: Any, *, device: str | None = None) -> np.ndarray:
        """Return a vector of length 1 for every sample, [n, e]; the product of two is their similarity."""
        dataset = self.open(inputs)
        return answered(self.answer(dataset, device), dataset)

    @isolate
    def same(self, first: Any, second: Any, *, device: str | None = None) -> list[bool]:
        """Say of pairs, the i-th of ``first`` and of ``second``, whether both are of one person.

        Raises
        ------
        UserError
            If there are not as many of the one as of the other.
        """
        one, other = self.embed(first, device=device), self.embed(second, device=device)
        if len(one) != len(other):
            raise UserError(f"There are {len(one)} first and {len(other)} second samples; give pairs, as many of each.")
        return [bool(value >= self.threshold) for value in (one * other).sum(axis=1)]

    @isolate
    def recognise(self, inputs: Any, gallery: Any, *, device: str | None = None) -> list[dict[str, Any]]:
        """Return, for each sample, who of the known people it shows, or ``unknown``.

        Parameters
        ----------
        inputs : new samples. gallery : labelled samples of known people, such as a folder per person with one to five
            pictures; a person's vectors are averaged.
        """
        from headstart.data import open_data

        known = open_data(gallery, modality=None if self.modality == "image" else self.modality, singles=True)
        if known.modality != self.modality:
            raise UserError(
                f"The gallery {known.name} holds {known.modality}s, and this run compares {self.modality}s; give such."
            )
        task = known.task
        if task is None or not task.label_space.one_class:
            raise UserError(
                f"The gallery {known.name} names nobody; give one name per sample, such as a folder per person."
            )
        rows = np.arange(len(known))
        enrolled, people = self.embed(known, device=device), known.labels(rows)
        centres = unit(np.stack([enrolled[people == person].mean(axis=0) for person in np.unique(people)]))
        names = [task.classes[person] for person in np.unique(people)]
        found = self.embed(inputs, device=device) @ centres.T
        best = found.argmax(axis=1)
        return [
            {
                "prediction": names[person] if row[person] >= self.threshold else UNKNOWN,
                "nearest": names[person],
                "similarity": round(float(row[person]), 6),
            }
            for row, person in zip(found, best, strict=True)
        ]


def save_verification(
    network: Any, arm: str, threshold: float, false_accepts: float, directory: Path, card: str
) -> None:
    """Write a network of vectors with its threshold."""
    from headstart.networks import save_network

    save_network(network, None, directory, card=card)
    value = {"schema": SCHEMA, "arm": arm, "threshold": threshold, "false_accepts": false_accepts}
    write_json(directory / VERIFICATION, value)


def load_verification(directory: Path, column: str | None = None) -> VerificationModel:
    """Load what `save_verification` wrote.

    Raises
    ------
    UserError
        If files are missing, damaged, or newer than this version.
    """
    from headstart.networks import load_network

    network, _ = load_network(directory)
    value = read_checked(directory / VERIFICATION, DOCUMENT)
    if value["schema"] > SCHEMA:
        raise UserError(f"{directory} was written by a newer version of Headstart; upgrade to read it.")
    return VerificationModel(network, value["arm"], value["threshold"], value["false_accepts"], column)
