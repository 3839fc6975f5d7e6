"""The model of a run across domains: an encoder, and an array model kept without pickle."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import UserError
from headstart.problem import Task
from headstart.storage import atomic_write, read_json, write_json
from headstart.tasks import TaskLogic, create_task
from headstart.workflow.across.encoder import Backbone, Encoder, TableEncoder, load_encoder

TRUSTED_ROOMS = ("headstart.shallow.", "headstart.choice.", "headstart.functional.", "headstart.validators.")
TRUSTED_TYPES = frozenset(
    {
        "sklearn.tree._tree.Tree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.EuclideanDistance",
        "numpy.random._generator.Generator",
        "scipy.sparse._csr.csr_matrix",
        "scipy.sparse._csr.csr_array",
    }
)
SCHEMA = 1


@dataclass(frozen=True)
class AdaptedModel:
    """Raw samples of the target in, predictions out.

    Attributes
    ----------
    encoder : turns samples into rows of numbers. estimator : predicts rows of the target.
    logic : the task. column : the table column that held texts or image paths.
    """

    encoder: Encoder
    estimator: Any
    logic: TaskLogic
    column: str | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        return self.logic.task.classes

    @property
    def modality(self) -> str:
        return self.encoder.modality

    def open(self, inputs: Any) -> Any:
        """Open new inputs as the `Dataset` that this model takes; one that is open passes."""
        from headstart.data import Dataset, open_inputs

        if isinstance(inputs, Dataset):
            return inputs
        return open_inputs(inputs, modality=self.modality, columns=self.wanted)

    @property
    def wanted(self) -> Any:
        """The columns that the model takes: a table's features, or the name of the column of texts or images."""
        return self.encoder.wanted if isinstance(self.encoder, TableEncoder) else self.column

    def predict_proba(self, inputs: Any, *, device: str | None = None) -> np.ndarray:
        """Return probabilities [n, classes], or values [n, 1] for a regression.

        Parameters
        ----------
        inputs : one sample or several, each of which gets one answer: paths, pictures, texts, arrays, rows, a
            DataFrame, or a `Dataset`; `headstart.data.open_inputs` states what is read as what.
        """
        if isinstance(self.encoder, Backbone) and device is not None:
            from headstart.engine import choose_device

            self.encoder.network.to(choose_device(device))
        return outputs(self.estimator, self.encoder.features(self.open(inputs)), self.logic.task)

    def predict(self, inputs: Any, *, device: str | None = None) -> list[Any]:
        """Return class names, or values [n]."""
        return self.name(self.predict_proba(inputs, device=device))

    def name(self, predictions: np.ndarray) -> list[Any]:
        """Turn probabilities into class names."""
        if self.logic.task.kind == "regression":
            return predictions[:, 0].tolist()
        return [self.classes[index] for index in predictions.argmax(axis=1)]

    def save(self, directory: Path) -> None:
        """Write ``encoder.json`` or ``backbone/``, ``estimator.skops`` and, last, ``adapted.json``."""
        import skops.io as sio

        directory.mkdir(parents=True, exist_ok=True)
        self.encoder.save(directory)
        atomic_write(directory / "estimator.skops", lambda temporary: sio.dump(self.estimator, temporary))
        write_json(
            directory / "adapted.json",
            {"schema": SCHEMA, "task": self.logic.to_json(), "modality": self.modality, "column": self.column},
        )


def outputs(estimator: Any, rows: np.ndarray, task: Task) -> np.ndarray:
    """Return probabilities [n, classes] in the task's order, or values [n, 1]."""
    if task.kind == "regression":
        return np.asarray(estimator.predict(rows), dtype=np.float64).reshape(-1, 1)
    found = np.zeros((len(rows), len(task.classes)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found[:, np.asarray(estimator.classes_, dtype=np.int64)] = estimator.predict_proba(rows)
    return found


def load_adapted(directory: str | Path) -> AdaptedModel:
    """Load what `AdaptedModel.save` wrote; types of other packages than this one and scikit-learn are refused.

    Raises
    ------
    UserError
        If files are missing, damaged, newer than this version, or hold a type that is not trusted.
    """
    directory = Path(directory)
    value = read_json(directory / "adapted.json")
    if value.get("schema", 0) > SCHEMA:
        raise UserError(f"{directory} was written by a newer version of Headstart; upgrade to read it.")
    logic = create_task(Task.from_json(value["task"]), saved=value["task"])
    return AdaptedModel(load_encoder(directory), _read(directory / "estimator.skops"), logic, value["column"])


def _read(path: Path) -> Any:
    import skops.io as sio

    if not path.is_file():
        raise UserError(f"{path} is missing; the run is damaged, make it anew.")
    try:
        types = sio.get_untrusted_types(file=path)
        strange = [name for name in types if not (name.startswith(TRUSTED_ROOMS) or name in TRUSTED_TYPES)]
        if strange:
            raise UserError(f"{path} holds the type {strange[0]}, which is no part of Headstart; not loaded.")
        return sio.load(path, trusted=types)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({error}); the file is damaged or was changed.") from None
