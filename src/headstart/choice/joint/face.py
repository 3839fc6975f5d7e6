"""A method trained on two domains as a classifier or a regressor on rows of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.special import softmax

from headstart import catalogue
from headstart.choice.heads import Grid, Heads
from headstart.choice.joint.body import Layers, Units
from headstart.choice.joint.fitting import ordered, train_joint
from headstart.choice.joint.material import OfRows
from headstart.choice.joint.plan import Plan
from headstart.choice.joint.translated import Translated, translations
from headstart.functional.reuse import shared
from headstart.problem import Task
from headstart.shallow.domains import Domains, stack
from headstart.shallow.label_sets.unknown import with_unknown
from headstart.shallow.predictors import DomainClassifier, DomainRegressor
from headstart.tasks import TaskLogic, create_task

Array = np.ndarray
CONVOLVED_AT_ONCE = 2048
"""Rows that are convolved at once: 60,000 pictures of 28 x 28 pixels would need 38 GB."""


class Inside(NamedTuple):
    """Both domains as a network takes them, in an order of their own: what trained candidates of a race share."""

    mean: Array
    scale: Array
    source: Array
    labels: Array
    target: Array
    target_labels: Array
    source_domain: Array

    @classmethod
    def of(cls, domains: Domains, standardise: bool, grid: Grid | None) -> Inside:
        """Return dense or CSR rows in units of their own, dense."""

        def compute() -> Inside:
            parts = ordered(domains)  # first, so that not even rounding depends on the table's order
            rows = stack(parts.source, parts.target)
            units = Units.of_pictures(rows, grid) if grid else Units.of(rows, each=standardise)
            source, target = units.of_rows(parts.source), units.of_rows(parts.target)
            return cls(*units, source, parts.labels, target, parts.target_labels, parts.source_domain)

        return shared("rows inside", (*domains, standardise, grid), compute)

    @property
    def units(self) -> Units:
        return Units(self.mean, self.scale)

    @property
    def domains(self) -> Domains:
        return Domains(self.source, self.labels, self.target, self.target_labels, self.source_domain)


class _Joint:
    """What both faces share."""

    sparse_input: ClassVar[bool] = True
    makes_dense: ClassVar[bool] = True
    """A network's steps are on dense rows, whatever comes in."""
    method: str
    options: dict[str, Any] | None
    standardise: bool
    grid: Grid | None
    seed: int
    place: Path | None = None
    history: Sequence[list[dict[str, Any]]] = ()
    """How the training went, a list of records per phase; like the place, no part of what is saved."""
    translated: Translated | None = None
    """Some pictures of both domains and what they were translated to, where the method translates; as the history."""

    def keep_in(self, place: Path) -> None:
        """Let the training be kept in a folder while it goes on, and go on from what is found there."""
        self.place = place

    def _train(self, domains: Domains, logic: TaskLogic) -> None:
        inside = Inside.of(domains, self.standardise, self.grid)
        self.units_, state = inside.units, self.place
        rows_of = OfRows(Plan.of(Heads(self.standardise, grid=self.grid), self.method, domains.source))
        network, done = train_joint(
            self.method, self.options, inside.domains, logic, rows_of, seed=self.seed, state=state
        )
        self.history = [one.history for one in done]
        self.layers_ = Layers.of(network)
        learner = rows_of.learner(self.method, self.options)
        self.translated = translations(learner, done[-1].nets, inside.domains, self.grid, self.units_)

    def _answers(self, rows: Any) -> Array:
        """Return the network's outputs [n, k]."""
        if not self.grid:
            return self.layers_.outputs(self.units_.of_rows(rows))
        parts = (
            rows[start : start + CONVOLVED_AT_ONCE] for start in range(0, max(1, rows.shape[0]), CONVOLVED_AT_ONCE)
        )
        pictures = (inside.reshape(len(inside), *self.grid) for inside in map(self.units_.of_rows, parts))
        return np.concatenate([self.layers_.outputs(part) for part in pictures])


def learn_classes(model: Any, domains: Domains) -> None:
    """Let a face that trains a network learn classes; one for open sets answers one more, "unknown"."""
    if catalogue.answers_unknown(model.method):
        model.classes_ = with_unknown(model.classes_, np.unique(domains.labels))
    model._train(domains, create_task(Task("classification", tuple(map(str, range(len(model.classes_)))))))


def learn_values(model: Any, domains: Domains) -> tuple[float, float]:
    """Let a face that trains a network learn values; return the mean and the scale of the source's, its units."""
    logic = create_task(Task("regression", targets=("value",)), domains.labels[:, None])
    assert logic.units is not None
    model._train(domains, logic)
    mean, scale = (float(part[0]) for part in logic.units)
    return mean, scale


@dataclass(kw_only=True, eq=False, repr=False)
class JointClassifier(_Joint, DomainClassifier):
    """A classifier that a method of the kind "joint" or "source_free" trains on rows of two domains.

    A method for open sets answers one more class than the source has (`with_unknown`).

    Parameters
    ----------
    method : its name in the catalogue. options : of it. standardise : whether columns have units of their own.
    grid : channels, height and width of rows that are pictures, which are convolved. seed : of everything random.

    Attributes
    ----------
    classes_ : what is answered. units_ : of the columns. layers_ : the learned weights.
    """

    method: str = "dann"
    options: dict[str, Any] | None = None
    standardise: bool = True
    grid: Grid | None = None
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        learn_classes(self, domains)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return softmax(self._answers(rows), axis=1)


@dataclass(kw_only=True, eq=False, repr=False)
class JointRegressor(_Joint, DomainRegressor):
    """As `JointClassifier`, for values.

    Attributes
    ----------
    units_, layers_ : as there. mean_, scale_ : of the values.
    """

    method: str = "dann"
    options: dict[str, Any] | None = None
    standardise: bool = True
    grid: Grid | None = None
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        self.mean_, self.scale_ = learn_values(self, domains)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return self._answers(rows)[:, 0] * self.scale_ + self.mean_
