"""What is kept of a choice: the model handed back, without the race behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from headstart.choice.racing import AdaptationData, Result, outputs
from headstart.functional.temperature import sharpened
from headstart.validators.density import Axes

Array = np.ndarray


@dataclass(kw_only=True, eq=False, repr=False)
class Kept(BaseEstimator):
    """An outcome's model as an estimator of its own, small enough to be saved.

    Parameters
    ----------
    model : a fitted method, or a combination of several. n_classes : 0 for values.
    mean, scale, axes : of the principal axes on which neighbours are looked for. low_target : the target's rows there.
    span : what values are held within; None for classes.
    steepness : by what the logarithms of probabilities are multiplied, one over a temperature.
    """

    model: Any = None
    n_classes: int = 0
    mean: Any = None
    scale: Any = None
    axes: Any = None
    low_target: Any = None
    span: Any = None
    steepness: float = 1.0
    behind: ClassVar[Any] = None

    @property
    def classes_(self) -> Array:
        return np.arange(self.n_classes)

    def _answer(self, X: Any) -> Array:
        found = self._raw(X)
        if not self.n_classes or self.steepness == 1.0:
            return found
        return sharpened(found, self.steepness, "classification")

    def _raw(self, X: Any) -> Array:
        nothing: Any = None
        axes = Axes(self.mean, self.scale, self.axes)
        data = AdaptationData(
            nothing, self.n_classes, nothing, axes, nothing, self.low_target, nothing, None, 0, span=self.span
        )
        data = data._replace(behind=self.behind)
        if hasattr(self.model, "answer"):
            return self.model.answer(X, data)
        return outputs(self.model, X, data, is_source=False)

    def stand_on(self, behind: Any) -> None:
        """Take the states behind rows to come, where a part of the model asks a network's own stages."""
        self.behind = behind  # pyright: ignore[reportAttributeAccessIssue]

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities [n, n_classes] of target rows."""
        return self._answer(X)

    def predict(self, X: Any) -> Array:
        """Return class numbers, or values, [n] of target rows."""
        answer = self._answer(X)
        return answer.argmax(axis=1) if self.n_classes else answer


def keep(one: Result, data: AdaptationData, steepness: float = 1.0) -> Kept:
    """Return an outcome's fitted model without the race."""
    kept = Kept(
        model=one.model,
        n_classes=data.n_classes,
        mean=data.axes.mean,
        scale=data.axes.scale,
        axes=data.axes.axes,
        low_target=data.low_target,
        span=data.span,
        steepness=steepness,
    )
    kept.stand_on(data.behind)
    return kept


def stages_of(model: Any) -> list[Any]:
    """Return the models inside one, itself included, that train or ask a network's own stages."""
    if hasattr(model, "weights_") and hasattr(model, "stand_on"):
        return [model]
    inner = getattr(model, "members", None) or [getattr(model, "model", None)]
    return [found for one in inner if one is not None for found in stages_of(one)]
