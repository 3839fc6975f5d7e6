"""Labels with a form of their own, one object per sample: a mask, boxes. Predictions are arrays of fixed form."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.kinds.base import Array, LabelSpace


class Structured(LabelSpace):
    """A label space whose labels are objects [n] with these in common: ``amounts`` [k], how much there is of each
    class, ``digest`` (bytes, of their content), ``renumbered(places)`` and ``words(names)``.
    """

    names_in = "classes"
    reads = "objects"
    link = "identity"
    solved_as = ""
    dtype = object
    crossed_below = 40
    methods = frozenset({"scratch", "finetune", "l2sp"})
    view = "classes"

    def as_labels(self, labels: Array) -> Array:
        raise TypeError(f"{type(self).__name__} has no labels as rows of numbers.")

    def present(self, labels: Array) -> Array:
        """Return which classes [n, k] each sample has."""
        found = [np.asarray(label.amounts) > 0 for label in labels]
        return np.stack(found) if found else np.zeros((0, len(self.names)), bool)

    def counts(self, labels: Array) -> dict[str, int]:
        """Return the number of samples in which each class occurs."""
        return dict(zip(self.names, map(int, self.present(labels).sum(axis=0)), strict=True))

    def per_class(self, labels: Array) -> int:
        return int(np.median(self.present(labels).sum(axis=0)))

    def strata(self, labels: Array) -> Array:
        """Return the rarest class that a sample has, and 0 where it has none."""
        present = self.present(labels)
        rarity = np.where(present, present.sum(axis=0, dtype=np.int64), np.iinfo(np.int64).max)
        return np.where(present.any(axis=1), rarity.argmin(axis=1) + 1, 0)

    def content(self, labels: Array) -> bytes:
        return b"".join(label.digest for label in labels)

    @property
    def not_across(self) -> str:
        return "structured (a mask or boxes per sample)"

    def outputs(self, labels: Array, most: int) -> list[tuple[str, Array, bool]]:
        return []

    def renumbered(self, labels: Array, names: tuple[str, ...]) -> Array:
        places = tuple(self.names.index(name) for name in names)
        return objects([label.renumbered(places, len(self.names)) for label in labels])

    def constant(self, labels: Array) -> tuple[str, Array]:
        raise TypeError(f"The constant answer of {type(self).__name__} is its torch side's to give.")

    def label_answers(self, labels: Array) -> list[Any]:
        return [label.words(self.names) for label in labels]

    def read_answers(self, column: list[Any]) -> Array:
        """Return the words themselves: a table of predictions holds no masks and no boxes."""
        return np.array([str(cell) for cell in column], dtype=object)

    def kept_values(self, predictions: Array) -> list[list[float]]:
        return [[] for _ in predictions]

    @property
    def n_kept(self) -> int:
        return 0

    def details(self, prediction: Array) -> dict[str, float]:
        return {}

    def mistakes(self, predictions: Array, labels: Array) -> tuple[Array, Array]:
        raise TypeError(f"How wrong an answer of {type(self).__name__} is its torch side says.")

    def told(self, prediction: Array, label: Any) -> dict[str, Any]:
        return {"label": label.words(self.names), "prediction": self.answers(prediction[None])[0]}

    def predicted(self, estimator: Any, rows: Array) -> Array:
        raise TypeError(f"{type(self).__name__} is not fitted by an estimator.")


def objects(values: list[Any]) -> Array:
    """Return an array [n] of objects, whatever these are."""
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
