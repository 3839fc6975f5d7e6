"""Stacking: the predictions of several source models are the features of a small model of the target's labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from headstart.shallow.domains import Domains
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.parameters.towards_source import STRENGTHS, Correction, towards_source
from headstart.shallow.predictors import DomainClassifier, DomainRegressor
from headstart.shallow.source_model import fit_model, in_order, is_single, known_rows, scores

Array = np.ndarray


def source_models(estimators: tuple[Any, ...], domains: Domains) -> list[Any]:
    """Return each estimator fitted on each source by itself; sources first, then estimators."""
    models = []
    for number in np.unique(domains.source_domain):
        rows = (domains.source_domain == number).nonzero()[0]
        for estimator in estimators:
            models.append(fit_model(estimator, domains.source[rows], domains.labels[rows], domains.target))
    return models


class Stack(NamedTuple):
    """Source models, and a linear correction of their mean by what each of them says.

    The features of a row are the models' scores less their mean, ``z = [s_1 - m, ..., s_J - m, m]``, so that a
    correction of 0 is the mean ``m`` of the models.
    """

    models: list[Any]
    k: int | None
    unit: float
    correction: Correction | None

    def features(self, rows: Any) -> tuple[Array, Array]:
        said = np.stack([scores(model, rows, self.k) for model in self.models], axis=1)
        mean = said.mean(axis=1)
        apart = (said - mean[:, None]).reshape(len(said), -1)
        return np.column_stack([apart, mean]) / self.unit, mean

    def outputs(self, rows: Any) -> Array:
        features, mean = self.features(rows)
        return mean if self.correction is None else mean + self.correction.linear(features)


def stack_sources(models: list[Any], rows: Any, labels: Array, k: int | None, strengths: Any, seed: int = 0) -> Stack:
    """Return the regularised stack of fitted models on labelled target rows.

    ``min_{V, b}  sum_i loss(y_i, m_i + V z_i + b) + alpha (||V||^2 + ||b||^2)``, alpha as in `towards_source`: the
    more labels, the farther from the plain mean of the models.

    Parameters
    ----------
    models : fitted. rows, labels : of the target, [n, d] and [n]. k : number of classes; None for a regression.

    References
    ----------
    Wolpert, "Stacked Generalization", Neural Networks 1992. Breiman, "Stacked Regressions", Machine Learning 1996.
    """
    if not len(labels):
        return Stack(models, k, 1.0, None)
    if k is None:
        unit = float(np.std([scores(model, rows, None)[:, 0] for model in models])) or 1.0
        labels = labels[:, None]
    else:
        unit = 1.0
    features, mean = Stack(models, k, unit, None).features(rows)
    return Stack(models, k, unit, towards_source(features, labels, mean, strengths, seed))


def _learn(estimators: tuple[Any, ...], domains: Domains, k: int | None, strengths: Any, seed: int) -> Stack:
    if not estimators:
        raise ValueError("estimators is empty; expected one estimator or more, or None.")
    domains = in_order(domains)
    models = source_models(estimators, domains)
    rows, labels = known_rows(domains)
    return stack_sources(models, rows, labels[:0] if is_single(domains) else labels, k, strengths, seed)


@dataclass(kw_only=True, eq=False, repr=False)
class StackedSourcesClassifier(DomainClassifier):
    """A small logistic regression on what several source models say of the target's labelled rows.

    Every estimator is fitted on every source (``sample_domain`` 1, 2, ...) by itself; see `stack_sources`. Without a
    target label: the mean of the models.

    Parameters
    ----------
    estimators : classifiers; None for `TunedLogistic` and a random forest.
    strengths : of the penalty; chosen by cross-validation on the target's labels. seed : of the folds and the forest.

    Attributes
    ----------
    models_ : fitted source models, sources first. strength_ : alpha; None without target labels.

    References
    ----------
    Wolpert, "Stacked Generalization", Neural Networks 1992. Breiman, "Stacked Regressions", Machine Learning 1996.
    """

    estimators: tuple[Any, ...] | None = None
    strengths: tuple[float, ...] = STRENGTHS
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        default = TunedLogistic(), RandomForestClassifier(min_samples_leaf=3, random_state=self.seed)
        estimators = default if self.estimators is None else self.estimators
        self.state_ = _learn(estimators, domains, len(self.classes_), self.strengths, self.seed)
        self.models_, correction = self.state_.models, self.state_.correction
        self.strength_ = None if correction is None else correction.strength

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return softmax(self.state_.outputs(rows), axis=1)


@dataclass(kw_only=True, eq=False, repr=False)
class StackedSourcesRegressor(DomainRegressor):
    """A small ridge regression on what several source models say of the target's labelled rows.

    Parameters
    ----------
    estimators : regressors; None for `TunedRidge` and a random forest. strengths, seed : as in
        `StackedSourcesClassifier`.

    Attributes
    ----------
    models_, strength_ : as in `StackedSourcesClassifier`.

    References
    ----------
    Breiman, "Stacked Regressions", Machine Learning 1996.
    """

    estimators: tuple[Any, ...] | None = None
    strengths: tuple[float, ...] = STRENGTHS
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        default = TunedRidge(), RandomForestRegressor(min_samples_leaf=3, random_state=self.seed)
        estimators = default if self.estimators is None else self.estimators
        self.state_ = _learn(estimators, domains, None, self.strengths, self.seed)
        self.models_, correction = self.state_.models, self.state_.correction
        self.strength_ = None if correction is None else correction.strength

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return self.state_.outputs(rows)[:, 0]
