"""One model per source, combined by what speaks for each source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_regressor

from headstart.shallow.domains import Domains
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.predictors import DomainClassifier, DomainRegressor
from headstart.shallow.several.evidence import breiman_weights, mixture_weights, nearness, prior_weights, skill
from headstart.shallow.source_model import answers, fit_model, in_order, is_single, known_rows

Array = np.ndarray


class Evidence(NamedTuple):
    """What speaks for each source, [s] each: nearness, skill, and the weights before and after target labels."""

    sources: Array
    near: Array
    skill: Array
    prior: Array
    weights: Array


def weigh_sources(
    estimator: Any, domains: Domains, k: int | None, *, strength: float = 5.0, seed: int = 0
) -> tuple[list[Any], Evidence]:
    """Return one fitted model per source, and the evidence that weighs them.

    Without target labels ``w_j ~ nearness_j skill_j``; known target labels then speak through each model's loss on them
    (`mixture_weights`, `breiman_weights`) with these weights as a prior that counts for ``strength`` labelled rows.
    The models never learn from the target's labels, so that their loss on them is honest.

    References
    ----------
    Mansour, Mohri and Rostamizadeh, "Domain Adaptation with Multiple Sources", NIPS 2008. Sun et al., "A Two-Stage
    Weighting Framework for Multi-Source Domain Adaptation", NIPS 2011. Breiman, Machine Learning 1996.
    """
    numbers = np.unique(domains.source_domain)
    parts = [(domains.source_domain == number).nonzero()[0] for number in numbers]
    sources = [(domains.source[rows], domains.labels[rows]) for rows in parts]
    models = [fit_model(estimator, rows, labels, domains.target) for rows, labels in sources]
    if len(numbers) == 1:
        one = np.ones(1)
        return models, Evidence(numbers, one, one, one, one)
    near = nearness([rows for rows, _ in sources], domains.target, seed)
    skills = np.array([skill(estimator, rows, labels, domains.target, seed=seed) for rows, labels in sources])
    prior = weights = prior_weights(near, skills)
    rows, labels = known_rows(domains)
    if len(labels) and not is_single(domains):
        said = np.stack([answers(model, rows, k) for model in models], axis=1)
        if k is None:
            weights = breiman_weights(said, labels, prior, strength)
        else:
            weights = mixture_weights(said[np.arange(len(labels)), :, labels], prior, strength)
    return models, Evidence(numbers, near, skills, prior, weights)


def _combined(models: list[Any], weights: Array, rows: Any, k: int | None, is_source: bool) -> Array:
    said = (w * answers(model, rows, k, is_source=is_source) for model, w in zip(models, weights, strict=True) if w > 0)
    return sum(said, np.zeros(()))


class _Weighted:
    estimator: Any
    strength: float
    seed: int

    def _begin(self, default: Any, domains: Domains, k: int | None) -> None:
        estimator = default if self.estimator is None else self.estimator
        if is_regressor(estimator) != (k is None):
            wanted = "regressor" if k is None else "classifier"
            raise ValueError(f"estimator is {type(estimator).__name__}, which is no {wanted}; expected a {wanted}.")
        if self.strength < 0:
            raise ValueError(f"strength is {self.strength}; expected a number of labelled rows from 0 up.")
        options: dict[str, Any] = {"strength": self.strength, "seed": self.seed}
        self.models_, self.evidence_ = weigh_sources(estimator, in_order(domains), k, **options)
        self.weights_ = self.evidence_.weights


@dataclass(kw_only=True, eq=False, repr=False)
class WeightedSourcesClassifier(_Weighted, DomainClassifier):
    """One classifier per source (``sample_domain`` 1, 2, ...), combined by evidence: ``p = sum_j w_j p_j``.

    A source counts for as much as it is near the target (MMD), as its own labels can be predicted (cross-validated
    skill above chance), and as its model explains the target's labels where some are known. See `weigh_sources`.

    Parameters
    ----------
    estimator : any classifier, or a whole method across domains, which then sees each source beside the unlabelled
        target; None for `TunedLogistic`.
    strength : labelled target rows that the label-free weights count for. seed : of samples and folds.

    Attributes
    ----------
    weights_ : [s], sum 1, in the order of ``evidence_.sources``. evidence_ : the `Evidence`. models_.

    References
    ----------
    Mansour, Mohri and Rostamizadeh, "Domain Adaptation with Multiple Sources", NIPS 2008. Sun et al., "A Two-Stage
    Weighting Framework for Multi-Source Domain Adaptation", NIPS 2011.
    """

    estimator: Any = None
    strength: float = 5.0
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        self._begin(TunedLogistic(), domains, len(self.classes_))

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return _combined(self.models_, self.weights_, rows, len(self.classes_), is_source)


@dataclass(kw_only=True, eq=False, repr=False)
class WeightedSourcesRegressor(_Weighted, DomainRegressor):
    """One regressor per source (``sample_domain`` 1, 2, ...), combined by evidence: ``f = sum_j w_j f_j``.

    Parameters
    ----------
    estimator : any regressor, or a whole method across domains; None for `TunedRidge`.
    strength, seed : as in `WeightedSourcesClassifier`.

    Attributes
    ----------
    weights_, evidence_, models_ : as in `WeightedSourcesClassifier`.

    References
    ----------
    Mansour, Mohri and Rostamizadeh, NIPS 2008. Breiman, "Stacked Regressions", Machine Learning 1996.
    """

    estimator: Any = None
    strength: float = 5.0
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        self._begin(TunedRidge(), domains, None)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return _combined(self.models_, self.weights_, rows, None, is_source)
