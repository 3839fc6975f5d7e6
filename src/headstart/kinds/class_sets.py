"""Multi-label: any subset of the classes. Labels are 0/1 per class, predictions a probability per class."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.kinds.base import Array, LabelSpace, parts_of, too_few


class ClassSets(LabelSpace):
    """Each sample has any number of classes."""

    logic = "headstart.tasks.multilabel:MultiLabel"
    names_in = "classes"
    reads = "classes"
    link = "sigmoid"
    solved_as = "multilabel"
    dtype = np.float32
    metrics = ("samples_f1", "macro_f1", "micro_f1", "subset_accuracy", "hamming_loss")
    shares = frozenset(metrics)
    errors = frozenset({"hamming_loss"})
    view = "labels"
    meaning = "probabilities, one per label, each by itself"
    purpose = "It tells which of these labels apply to {unit}: {names}."

    def counts(self, labels: Array) -> dict[str, int]:
        return dict(zip(self.names, map(int, (labels > 0).sum(axis=0)), strict=True))

    def per_class(self, labels: Array) -> int:
        return int(np.median(labels.sum(axis=0)))

    def strata(self, labels: Array) -> Array:
        """Return the rarest class that a sample has, and 0 where it has none."""
        rarity = np.where(labels > 0, labels.sum(axis=0, dtype=np.int64), np.iinfo(np.int64).max)
        return np.where(labels.any(axis=1), rarity.argmin(axis=1) + 1, 0)

    def refused(self, labels: Array) -> str:
        return too_few(self.names)

    @property
    def not_across(self) -> str:
        return "multi-label"

    def outputs(self, labels: Array, most: int) -> list[tuple[str, Array, bool]]:
        named = enumerate(self.names[:most])
        return [(f"the class '{name}'", labels[:, i].astype(np.int64), False) for i, name in named]

    def renumbered(self, labels: Array, names: tuple[str, ...]) -> Array:
        whole = np.zeros((len(labels), len(self.names)), labels.dtype)
        whole[:, [self.names.index(name) for name in names]] = labels
        return whole

    def constant(self, labels: Array) -> tuple[str, Array]:
        return "mean", np.atleast_1d(labels.mean(axis=0)).astype(np.float64)

    def answers(self, predictions: Array) -> list[Any]:
        return [[name for name, on in zip(self.names, row, strict=True) if on] for row in predictions > 0.5]

    def read_answers(self, column: list[Any]) -> Array:
        return np.array([self._indicator(parts_of(cell)) for cell in column], dtype=np.float64)

    def _indicator(self, parts: list[Any]) -> list[float]:
        if any(isinstance(part, str) for part in parts) or len(parts) != len(self.names):
            return [float(name in parts) for name in self.names]
        return [float(part) for part in parts]

    def confidence(self, predictions: Array) -> list[float | None]:
        return np.maximum(predictions, 1 - predictions).min(axis=1).astype(float).tolist()

    def mistakes(self, predictions: Array, labels: Array) -> tuple[Array, Array]:
        """Return what is wrong, by the largest distance of one label's probability from the truth."""
        furthest = np.abs(predictions - labels).max(axis=1)
        return furthest > 0.5, furthest

    def told(self, prediction: Array, label: Any) -> dict[str, Any]:
        at = int(np.abs(prediction - label).argmax())
        return {
            "label": [self.names[i] for i in np.flatnonzero(label > 0.5)],
            "prediction": [self.names[i] for i in np.flatnonzero(prediction > 0.5)],
            "confidence": float(max(prediction[at], 1 - prediction[at])),
            "about": self.names[at],
        }

    def predicted(self, estimator: Any, rows: Array) -> Array:
        raise NotImplementedError("Label sets are not learned across domains.")
