"""Test predictions of every arm and seed, and their file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data import Dataset
from headstart.storage import atomic_write
from headstart.tasks import TaskLogic


@dataclass(frozen=True)
class Predictions:
    """Predictions of the test rows.

    Attributes
    ----------
    values : arm to one array [n, k] per seed.
    """

    rows: np.ndarray
    labels: np.ndarray
    seeds: list[int]
    values: dict[str, list[np.ndarray]]


def write_predictions(path: Path, dataset: Dataset, logic: TaskLogic, predictions: Predictions) -> None:
    """Write one row per arm, seed and test sample as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    space = logic.task.label_space
    names, labels = dataset.names(predictions.rows), [plain(x) for x in space.label_answers(predictions.labels)]
    columns: dict[str, list[Any]] = {
        key: [] for key in ("arm", "seed", "split", "name", "label", "prediction", "confidence", "probabilities")
    }
    for arm, values in predictions.values.items():
        for seed, value in zip(predictions.seeds, values, strict=True):
            columns["arm"] += [arm] * len(value)
            columns["seed"] += [seed] * len(value)
            columns["split"] += ["test"] * len(value)
            columns["name"] += names
            columns["label"] += labels
            columns["prediction"] += [plain(word) for word in logic.answers(value, predictions.labels)]
            columns["confidence"] += space.confidence(value)
            columns["probabilities"] += space.kept_values(value)
    table = pa.table(columns)
    atomic_write(path, lambda temporary: pq.write_table(table, temporary))


def plain(value: Any) -> str:
    """Write lists of labels with a bar between them, and numbers plainly."""
    if isinstance(value, list):
        return "|".join(plain(part) for part in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
