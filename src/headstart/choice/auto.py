"""The choice as one function, and as estimators that race and keep what the evidence says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.multiclass import type_of_target

from headstart.choice.blend import Blend
from headstart.choice.candidates import Candidate
from headstart.choice.choosing import Selection, race_and_select
from headstart.choice.confidence import confidence_of
from headstart.choice.gain import Gain
from headstart.choice.racing import outputs
from headstart.choice.smoothing import Smoothed
from headstart.functional.temperature import sharpened
from headstart.isolated import isolate
from headstart.shallow.domains import Domains, masked
from headstart.shallow.predictors import DomainClassifier, DomainRegressor

Array = np.ndarray


def _answer(selection: Selection, rows: Any, is_source: bool) -> Array:
    model = selection.finished[selection.chosen].model
    if isinstance(model, Blend | Smoothed):
        return model.answer(rows, selection.data, is_source=is_source)
    return outputs(model, rows, selection.data, is_source=is_source)


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
    selection_ : the race and the decision. classes_.
    temperature_ : by what the logarithms of the model's probabilities are divided, so that they fit held-out rows: of
        the target where 20 labels or more were given to learn from, else of the source. 1 where there are fewer.
    """

    sparse_input: ClassVar[bool] = True
    candidates: Any = None
    budget: float | None = None
    seed: int = 0
    gain: Any = None
    standardise: bool | None = None

    def _learn(self, domains: Domains) -> None:
        self.selection_ = race_and_select(
            domains,
            n_classes=len(self.classes_),
            candidates=self.candidates,
            budget=self.budget,
            seed=self.seed,
            gain=self.gain,
            standardise=self.standardise,
        )
        found = self.selection_.finished[self.selection_.chosen]
        self.temperature_ = 1 / confidence_of(self.selection_.data, found, "softmax").steepness

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        found = _answer(self.selection_, rows, is_source)
        return found if self.temperature_ == 1 else sharpened(found, 1 / self.temperature_, "softmax")


@dataclass(kw_only=True, eq=False, repr=False)
class AutoAdaptRegressor(DomainRegressor):
    """As `AutoAdaptClassifier`, for values.

    Parameters
    ----------
    candidates, budget, seed, gain : as there.

    Attributes
    ----------
    selection_ : the race and the decision.
    """

    sparse_input: ClassVar[bool] = True
    candidates: Any = None
    budget: float | None = None
    seed: int = 0
    gain: Any = None

    def _learn(self, domains: Domains) -> None:
        self.selection_ = race_and_select(
            domains,
            n_classes=0,
            candidates=self.candidates,
            budget=self.budget,
            seed=self.seed,
            gain=self.gain,
        )

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return _answer(self.selection_, rows, is_source)


@dataclass(frozen=True)
class Choice:
    """What `choose` hands back.

    Attributes
    ----------
    model : predicts rows of the target: ``predict(X)``, and ``predict_proba(X)`` for classes, with the confidence that
        its ``temperature_`` sets.
    name : of the candidate that was kept. table : one dict per candidate: name, scores (validator to value),
        predicted_gain (points over source-only; NaN where nothing is predicted), chance (that it is above 0), seconds,
        kept, note. reason : one sentence.
    selection : everything behind it.
    """

    model: Any
    name: str
    table: tuple[dict[str, Any], ...]
    reason: str
    selection: Selection


@isolate
def choose(
    X: Any,
    y: Any,
    sample_domain: Any = None,
    *,
    candidates: Sequence[Candidate | str] | None = None,
    budget: float | None = None,
    seed: int = 0,
    task: str | None = None,
    gain: Gain | None = None,
    standardise: bool | None = None,
) -> Choice:
    """Race candidates on a labelled source and a target, and choose by evidence that holds no target label.

    Parameters
    ----------
    X : [n, d] rows of both domains, dense or CSR. y : [n] labels, masked (-1, NaN or None) for unlabelled target rows;
        target labels that are given are labels to learn from. sample_domain : [n] positive for source rows, negative
        for target rows; None where masked labels tell the domains apart.
    candidates : names of the catalogue or `Candidate`; None for a list that fits the data. Baselines always race.
    budget : seconds; candidates that are expected to end after them, or would start after them, are left out. seed : of
        everything random.
    task : "classification" or "regression"; None by the labels.
    gain : coefficients of the evidence; None for those in the package.
    standardise : False where all features have one unit (pixels, activations, words), True for columns of different
        units; None lets cross-validation on the source say.

    Returns
    -------
    Choice

    Raises
    ------
    ValueError
        If a domain is missing, a source label is masked, or a candidate is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from headstart.shallow.joining import join
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(60) % 2
    >>> rows = rng.normal(size=(60, 3)) + 3 * labels[:, None]
    >>> choice = choose(*join(rows, labels, rows + 0.5), candidates=["source_only"])
    >>> choice.name, choice.model.predict(rows[:2] + 0.5)
    ('source_only', array([0, 1]))
    """
    if task not in (None, "classification", "regression"):
        raise ValueError(f"task is {task!r}; expected 'classification', 'regression' or None.")
    if task is None:
        known = np.asarray(y)[~masked(y)]
        continuous = known.dtype.kind == "f" and type_of_target(known).startswith("continuous")
        task = "regression" if continuous else "classification"
    face = AutoAdaptRegressor if task == "regression" else AutoAdaptClassifier
    model: Any = face(candidates=candidates, budget=budget, seed=seed, gain=gain)
    if face is AutoAdaptClassifier:
        model.set_params(standardise=standardise)
    model.fit(X, y, sample_domain=sample_domain)
    selection: Selection = model.selection_
    return Choice(model, selection.finished[selection.chosen].name, selection.table(), selection.reason, selection)
