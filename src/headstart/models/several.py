"""Several tasks of the same samples, each with a network of its own choice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import UserError
from headstart.models.network import NetworkModel
from headstart.models.saved import SEVERAL, SavedModel
from headstart.schema import Items, Record, Text, Whole, read_checked

DOCUMENT = Record({"schema": Whole(1), "tasks": Items(Text(most=10_000), 1, 1000)})
SCHEMA = 1


@dataclass
class SeveralModel(SavedModel):
    """One network per task, by the name of its label column."""

    models: dict[str, NetworkModel]
    column: str | None = None

    @property
    def logic(self) -> Any:  # type: ignore[override]
        raise UserError(
            f"This run tells several tasks ({', '.join(self.models)[:200]}); each stands by itself in its model folder "
            "(model/0, model/1 ...), which is a source too, and `headstart predict` answers all of them."
        )

    def of_task(self, name: str | None) -> NetworkModel:
        """Return the model of one task, by the name of its label column.

        Raises
        ------
        UserError
            If none of that name is among the tasks.
        """
        if name is None or name not in self.models:
            found = "" if name is None else f"'{name[:100]}' is none of them; "
            raise UserError(
                f"This run tells several tasks, {', '.join(self.models)[:200]}, and one is measured at a time: "
                f"{found}name it with --label."
            )
        return self.models[name]

    @property
    def modality(self) -> str:
        return next(iter(self.models.values())).modality

    @property
    def wanted(self) -> Any:
        return next(iter(self.models.values())).wanted

    def answer(self, dataset: Any, device: str | None) -> np.ndarray:
        return np.concatenate([model.answer(dataset, device) for model in self.models.values()], axis=1)

    def name(self, predictions: np.ndarray) -> list[Any]:
        """Return one dict per sample: label column to answer."""
        parts = self._parts(predictions)
        columns = [model.name(parts[name]) for name, model in self.models.items()]
        return [dict(zip(self.models, row, strict=True)) for row in zip(*columns, strict=True)]

    def told(self, values: np.ndarray) -> list[dict[str, Any]]:
        """Return each sample's answer to every task, and its probabilities."""
        parts = self._parts(values)
        records: list[dict[str, Any]] = [{} for _ in values]
        for name, model in self.models.items():
            for record, one in zip(records, model.told(parts[name]), strict=True):
                record[name] = one.pop("prediction")
                record |= {f"{name} {key}": value for key, value in one.items()}
        return records

    def _parts(self, values: np.ndarray) -> dict[str, np.ndarray]:
        widths = [model.logic.task.n_outputs for model in self.models.values()]
        return dict(zip(self.models, np.split(values, np.cumsum(widths)[:-1], axis=1), strict=True))


def load_several(directory: Path, column: str | None = None) -> SeveralModel:
    """Load a model of several tasks.

    Raises
    ------
    UserError
        If files are missing, damaged or newer than this version.
    """
    value = read_checked(directory / SEVERAL, DOCUMENT)
    if value["schema"] > SCHEMA:
        raise UserError(f"{directory} was written by a newer version of Headstart; upgrade to read it.")
    models = {name: NetworkModel.load(directory / str(n), column) for n, name in enumerate(value["tasks"])}
    return SeveralModel(models, column)
