"""The choice as estimators: a classifier and a regressor that race and keep what the evidence says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.choice.blend import Blend
from headstart.choice.choosing import Decided, run
from headstart.choice.race import outputs
from headstart.choice.smoothing import Smoothed
from headstart.shallow.adaptation import DomainClassifier, DomainRegressor
from headstart.shallow.domains import Domains

Array = np.ndarray


def _answer(decided: Decided, rows: Any, is_source: bool) -> Array:
    model = decided.finished[decided.chosen].model
    if isinstance(model, Blend | Smoothed):
        return model.answer(rows, decided.ground, is_source=is_source)
    return outputs(model, rows, decided.ground, is_source=is_source)


@dataclass(kw_only=True, eq=False, repr=False)
class AutoAdaptClassifier(DomainClassifier):
    """Races methods across domains and predicts by the one, or the blend, that label-free evidence chooses.

    Parameters
    ----------
    candidates : names of the catalogue or `headstart.choice.Candidate`; None for a list that fits the data.
    budget : seconds after which no further candidate starts. seed : of everything random.
    gain : coefficients of the evidence; None for those in the package.
    standardise : False where all features have one unit (pixels, activations, words), True for columns of different
        units; None lets cross-validation on the source say.

    Attributes
    ----------
    decided_ : the race and the decision. classes_.
    """

    sparse_input: ClassVar[bool] = True
    candidates: Any = None
    budget: float | None = None
    seed: int = 0
    gain: Any = None
    standardise: bool | None = None

    def _learn(self, domains: Domains) -> None:
        self.decided_ = run(
            domains,
            n_classes=len(self.classes_),
            candidates=self.candidates,
            budget=self.budget,
            seed=self.seed,
            gain=self.gain,
            standardise=self.standardise,
        )

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return _answer(self.decided_, rows, is_source)


@dataclass(kw_only=True, eq=False, repr=False)
class AutoAdaptRegressor(DomainRegressor):
    """As `AutoAdaptClassifier`, for values.

    Parameters
    ----------
    candidates, budget, seed, gain : as there.

    Attributes
    ----------
    decided_ : the race and the decision.
    """

    sparse_input: ClassVar[bool] = True
    candidates: Any = None
    budget: float | None = None
    seed: int = 0
    gain: Any = None

    def _learn(self, domains: Domains) -> None:
        self.decided_ = run(
            domains,
            n_classes=0,
            candidates=self.candidates,
            budget=self.budget,
            seed=self.seed,
            gain=self.gain,
        )

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return _answer(self.decided_, rows, is_source)
