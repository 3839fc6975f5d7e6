"""Tables: numbers standardised, categories numbered, columns found by name."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headstart.data.conventions import MISSING, Reading
from headstart.data.dataset import TableColumns
from headstart.errors import UserError, nearest
from headstart.networks.preprocess import Preprocess
from headstart.storage import write_json


@dataclass(frozen=True)
class TablePreprocess(Preprocess):
    """Turns n rows (dicts of column name to value) into tensors.

    ``numeric`` [n, p] float32 holds ``(x - mean) / std``, 0 where the value is missing; ``missing`` [n, p] float32 is 1
    there; ``categorical`` [n, q] int64 holds the category's number from 1, 0 where it is missing or unknown.

    Parameters
    ----------
    mean, std : per numeric column, of the training rows; their order is the order of the tensor's columns.
    categories : per categorical column its known values, as strings, in the order of their numbers.
    readings : numeric columns whose text is not read as plain numbers, and how it is.
    """

    mean: dict[str, float]
    std: dict[str, float]
    categories: dict[str, tuple[str, ...]]
    readings: dict[str, Reading] = field(default_factory=dict)

    modality = "table"  # type: ignore[assignment]

    @property
    def numeric(self) -> tuple[str, ...]:
        return tuple(self.mean)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column, numeric ones first."""
        return (*self.mean, *self.categories)

    @property
    def wanted(self) -> TableColumns:
        """What new rows must hold, and what the numbers usually are."""
        usual = {name: (mean, self.std[name]) for name, mean in self.mean.items()}
        return TableColumns(self.numeric, dict(self.categories), self.readings, usual)

    @classmethod
    def fit(cls, rows: Any, columns: Any) -> TablePreprocess:
        """Take means and standard deviations from training rows.

        Parameters
        ----------
        rows : dicts of column name to value, or a `pyarrow.Table`; missing values are left out.
        columns : a `headstart.data.TableColumns`: numeric names, and categorical names with their categories.
        """
        to_pylist = getattr(rows, "to_pylist", None)
        rows = list(rows) if to_pylist is None else to_pylist()
        mean, std = {}, {}
        for name in columns.numeric:
            values = np.array([number(row.get(name), name) for row in rows], dtype=np.float64)
            values = values[np.isfinite(values)]
            mean[name] = float(values.mean()) if len(values) else 0.0
            spread = float(values.std()) if len(values) else 0.0
            std[name] = spread if spread > 1e-12 * max(1.0, abs(mean[name])) else 1.0
        categories = {name: tuple(map(str, known)) for name, known in columns.categorical.items()}
        return cls(mean, std, categories, dict(getattr(columns, "readings", {})))

    @classmethod
    def unfitted(cls, columns: Any) -> TablePreprocess:
        """Return the preprocessing with mean 0 and standard deviation 1."""
        return cls.fit([], columns)

    def __call__(self, raws: list[Any], seeds: list[int | None] | None = None) -> dict[str, Tensor]:
        self._require_columns(raws)
        values = np.array([[number(row[name], name) for name in self.mean] for row in raws], dtype=np.float64)
        values = values.reshape(len(raws), len(self.mean))
        missing = ~np.isfinite(values)
        mean, std = np.array(list(self.mean.values())), np.array(list(self.std.values()))
        standardised = np.where(missing, 0.0, (values - mean) / std)
        numbers: dict[str, dict[str | None, int]] = {
            name: {c: i + 1 for i, c in enumerate(known)} for name, known in self.categories.items()
        }
        codes = [[known.get(category(row[name]), 0) for name, known in numbers.items()] for row in raws]
        return {
            "numeric": torch.from_numpy(standardised.astype(np.float32)),
            "missing": torch.from_numpy(missing.astype(np.float32)),
            "categorical": torch.from_numpy(np.array(codes, dtype=np.int64).reshape(len(raws), len(numbers))),
        }

    def _require_columns(self, raws: list[Any]) -> None:
        for row in raws:
            lacking = [name for name in self.columns if name not in row]
            if lacking:
                hint = nearest(lacking[0], [name for name in row if name not in self.columns] or list(row))
                more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
                raise UserError(f"The input has no column '{lacking[0]}'{more} that the network was trained on; {hint}")

    def to_json(self) -> dict[str, Any]:
        categories = {name: list(known) for name, known in self.categories.items()}
        value = {"modality": "table", "mean": self.mean, "std": self.std, "categories": categories}
        readings = {name: reading.to_json() for name, reading in self.readings.items()}
        return value | ({"readings": readings} if readings else {})

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> TablePreprocess:
        categories = {name: tuple(known) for name, known in value["categories"].items()}
        readings = {name: Reading.from_json(one) for name, one in value.get("readings", {}).items()}
        return cls(dict(value["mean"]), dict(value["std"]), categories, readings)

    def save(self, directory: Path) -> None:
        write_json(Path(directory) / "preprocess.json", self.to_json())


def number(value: Any, column: str) -> float:
    """Return a cell as a float, NaN where it is missing or not finite."""
    if value is None or (isinstance(value, str) and value.strip().lower() in MISSING):
        return math.nan
    try:
        result = float(value)
    except (TypeError, ValueError) as error:
        raise UserError(f"Column '{column}' is numeric, but a row holds {value!r} there.") from error
    return result if math.isfinite(result) else math.nan


def category(value: Any) -> str | None:
    """Return a cell as a category's name, None where it is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value)
