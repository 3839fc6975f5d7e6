"""What a saved model is, whatever it is made of: raw samples in, answers out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.models.adapting import Adapted, compared
from headstart.models.answers import answered, said
from headstart.tasks import TaskLogic

ARRAYS = "adapted.json"
"""The file that tells an array model behind an encoder from a network."""
SEVERAL = "tasks.json"
"""The file that names the tasks of a model of several."""
VERIFICATION = "verification.json"
"""The file that tells a network of vectors, and from which similarity two are of one person."""
BLIND = "without_labels.json"
"""The file that tells a network without a task, and how it reconstructs."""


class SavedModel(ABC):
    """A model with its task, opened from a run.

    Attributes
    ----------
    logic : the task. column : the table column that held the texts or image paths, if there was one.
    """

    logic: TaskLogic
    column: str | None

    @property
    def classes(self) -> tuple[str, ...]:
        return self.logic.task.classes

    @property
    @abstractmethod
    def modality(self) -> str:
        """Return what a sample is: image, text or table."""

    @property
    @abstractmethod
    def wanted(self) -> Any:
        """Return the columns that the model takes: a table's features, or the name of the column of texts or images."""

    @abstractmethod
    def answer(self, dataset: Any, device: str | None) -> np.ndarray:
        """Return the model's raw answers for every sample of an open `Dataset`."""

    def answer_adapted(self, dataset: Any, adapt: str, device: str | None) -> np.ndarray:
        """Return the answers of the model adapted to these samples by a method at test time."""
        raise UserError(
            f"--adapt {adapt} moves the normalisations of a network, and this run's model is an array model, which has "
            "none; leave --adapt out."
        )

    @isolate
    def open(self, inputs: Any) -> Any:
        """Open new inputs as the `Dataset` that this model takes; one that is open passes."""
        from headstart.data import Dataset, open_inputs

        if isinstance(inputs, Dataset):
            return inputs
        return said(open_inputs(inputs, modality=self.modality, columns=self.wanted))

    def open_files(self, files: list[str]) -> Any:
        """Open what the command line names as the `Dataset` that this model takes."""
        from headstart.data import open_files

        return open_files(files, modality=self.modality, columns=self.wanted)

    @isolate
    def predict_proba(self, inputs: Any, *, device: str | None = None) -> np.ndarray:
        """Return probabilities [n, classes], or values [n, targets] for a regression.

        Parameters
        ----------
        inputs : one sample or several, each of which gets one answer: paths, pictures, texts, arrays, rows, a
            DataFrame, or a `Dataset`; `headstart.data.open_inputs` states what is read as what.
        """
        dataset = self.open(inputs)
        return answered(self.answer(dataset, device), dataset)

    @isolate
    def adapted(self, inputs: Any, adapt: str, *, device: str | None = None) -> Adapted:
        """Return answers after and before adapting a copy to ``inputs``, and what speaks against those after.

        ``adapt`` is a method at test time: ``adabn``, ``tent``, ``sar`` or ``lame``.
        """
        dataset = self.open(inputs)
        after = answered(self.answer_adapted(dataset, adapt, device), dataset)
        return compared(self.logic, adapt, after, answered(self.answer(dataset, device), dataset))

    @isolate
    def predict(self, inputs: Any, *, device: str | None = None) -> list[Any]:
        """Return class names, lists of class names (multi-label), or values."""
        return self.name(self.predict_proba(inputs, device=device))

    def name(self, predictions: np.ndarray) -> list[Any]:
        """Turn probabilities into class names; values stay."""
        return self.logic.task.label_space.answers(predictions)

    @property
    def writes(self) -> str:
        """What predictions may be written as beside a table, in words; empty for nothing else."""
        return ""

    def written(self, dataset: Any, values: np.ndarray, out: Any) -> bool:
        """Write predictions in a form of the task's own where ``out`` asks for it; return whether that was done."""
        return False

    def records(self, dataset: Any, values: np.ndarray) -> list[dict[str, Any]]:
        """Return `told` of the samples of an open `Dataset`, for answers whose meaning depends on the sample's size."""
        return self.told(values)

    def told(self, values: np.ndarray) -> list[dict[str, Any]]:
        """Return each sample's prediction, and a probability (or value) per class (or target)."""
        details = self.logic.task.label_space.details
        answers = zip(self.name(values), values, strict=True)
        return [{"prediction": prediction, **details(row)} for prediction, row in answers]
