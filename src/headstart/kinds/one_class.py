"""Classification: one class of several. Labels are class numbers, predictions probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.kinds.base import Array, LabelSpace, too_few


class OneClass(LabelSpace):
    """Each sample has exactly one class."""

    logic = "headstart.tasks.classification:Classification"
    names_in = "classes"
    reads = "class"
    link = "softmax"
    solved_as = "classification"
    dtype = np.int64
    metrics = ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "average_precision", "log_loss", "ece")
    shares = frozenset(metrics) - {"log_loss"}
    errors = frozenset({"log_loss", "ece"})
    one_class = True
    has_hits = True
    view = "confusion"
    meaning = "probabilities, one per class, adding up to 1"
    purpose = "It tells which one of these classes {unit} belongs to: {names}."

    def as_labels(self, labels: Array) -> Array:
        return np.asarray(labels).astype(np.int64)

    def indicators(self, labels: Array) -> Array:
        return np.eye(len(self.names))[labels]

    def counts(self, labels: Array) -> dict[str, int]:
        found = np.bincount(labels.astype(np.int64), minlength=len(self.names))
        return dict(zip(self.names, map(int, found), strict=True))

    def per_class(self, labels: Array) -> int:
        return int(np.median(np.unique(labels, return_counts=True)[1]))

    def strata(self, labels: Array) -> Array:
        return labels.astype(np.int64)

    def refused(self, labels: Array) -> str:
        return too_few(self.names)

    def outputs(self, labels: Array, most: int) -> list[tuple[str, Array, bool]]:
        return [("the label", labels, False)]

    def class_of(self, labels: Array) -> Array:
        return labels.astype(np.int64)

    def renumbered(self, labels: Array, names: tuple[str, ...]) -> Array:
        return np.array([self.names.index(name) for name in names])[labels]

    def constant(self, labels: Array) -> tuple[str, Array]:
        return "majority", np.bincount(labels, minlength=len(self.names)) / len(labels)

    def answers(self, predictions: Array) -> list[Any]:
        return [self.names[index] for index in predictions.argmax(axis=1)]

    def label_answers(self, labels: Array) -> list[Any]:
        return [self.names[index] for index in labels]

    def read_answers(self, column: list[Any]) -> Array:
        names = list(self.names)
        numbers = np.array([names.index(cell) if cell in names else int(cell) for cell in column], dtype=np.int64)
        if ((numbers < 0) | (numbers >= len(names))).any():
            raise ValueError("a label that is no class")
        return numbers

    def confidence(self, predictions: Array) -> list[float | None]:
        return predictions.max(axis=1).astype(float).tolist()

    def mistakes(self, predictions: Array, labels: Array) -> tuple[Array, Array]:
        """Return what is wrong, by the probability of the wrong class."""
        return predictions.argmax(axis=1) != labels, predictions.max(axis=1)

    def told(self, prediction: Array, label: Any) -> dict[str, Any]:
        best = int(prediction.argmax())
        return {
            "label": self.names[int(label)],
            "prediction": self.names[best],
            "confidence": float(prediction[best]),
            "truth": float(prediction[int(label)]),
        }

    def predicted(self, estimator: Any, rows: Array) -> Array:
        found = np.zeros((len(rows), len(self.names)))
        found[:, np.asarray(estimator.classes_, dtype=np.int64)] = estimator.predict_proba(rows)
        return found
