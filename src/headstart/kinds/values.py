"""Regression: one or several numbers. Labels and predictions are values in the targets' units."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.kinds.base import Array, LabelSpace, parts_of

_BINS = 10


class Values(LabelSpace):
    """Each sample has one value per target."""

    logic = "headstart.tasks.regression:Regression"
    names_in = "targets"
    reads = "values"
    link = "identity"
    solved_as = "regression"
    dtype = np.float64
    metrics = ("mae", "rmse", "r2")
    errors = frozenset({"mae", "rmse"})
    has_shares = False
    view = "residuals"
    meaning = "values in the targets' units"
    purpose = "It predicts {names} of {unit}."

    def counts(self, labels: Array) -> dict[str, int]:
        return {"rows": len(labels)}

    def per_class(self, labels: Array) -> int:
        return len(labels)

    def strata(self, labels: Array) -> Array:
        """Return one of up to 10 quantile bins of the first target."""
        ranks = np.argsort(np.argsort(labels[:, 0], kind="stable"), kind="stable")
        return ranks * min(_BINS, max(len(labels) // 5, 1)) // max(len(labels), 1)

    def refused(self, labels: Array) -> str:
        if len(labels) < 2 or (labels == labels[0]).all():
            return "has one value only to predict; regression needs at least two different ones"
        return ""

    @property
    def not_across(self) -> str:
        return "" if len(self.names) == 1 else "multi-target"

    def outputs(self, labels: Array, most: int) -> list[tuple[str, Array, bool]]:
        return [(f"'{name}'", labels[:, i], True) for i, name in enumerate(self.names[:most])]

    def renumbered(self, labels: Array, names: tuple[str, ...]) -> Array:
        return labels

    def constant(self, labels: Array) -> tuple[str, Array]:
        return "mean", np.atleast_1d(labels.mean(axis=0)).astype(np.float64)

    def answers(self, predictions: Array) -> list[Any]:
        return predictions.squeeze(1).tolist() if predictions.shape[1] == 1 else predictions.tolist()

    def read_answers(self, column: list[Any]) -> Array:
        return np.array([[float(part) for part in parts_of(cell)] for cell in column], dtype=np.float64)

    def details(self, prediction: Array) -> dict[str, float]:
        if len(self.names) == 1:
            return {}
        return {name: float(value) for name, value in zip(self.names, prediction, strict=True)}

    def mistakes(self, predictions: Array, labels: Array) -> tuple[Array, Array]:
        """Return what is not met exactly, by the error in units of the labels' spread."""
        spread = labels.std(axis=0)
        off = np.abs((predictions - labels) / np.where(spread > 0, spread, 1.0)).max(axis=1)
        return off > 0, off

    def told(self, prediction: Array, label: Any) -> dict[str, Any]:
        return {"label": [float(value) for value in label], "prediction": [float(value) for value in prediction]}

    def explained(self, prediction: Array) -> int:
        return 0

    def predicted(self, estimator: Any, rows: Array) -> Array:
        return np.asarray(estimator.predict(rows), dtype=np.float64).reshape(-1, 1)

    def words(self) -> str:
        return "regression of " + ", ".join(self.names)
