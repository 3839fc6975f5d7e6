"""Self-taught codes: a linear model of the axes along which unlabelled samples vary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from headstart.functional.folds import default_folds, default_strengths
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.labels import Array, as_labels, check_features, count_outputs, link_of
from headstart.shallow.heads.linear import Problem, search


@dataclass(kw_only=True)
class SelfTaught(BaseEstimator):
    """``W (x - m) V_q S_q^-1 + b``: a probe of the q whitened principal axes of labelled and unlabelled features.

    m [d], V [d, r] and S [r] are mean, axes and standard deviations of all features, labelled or not; q is the size
    that does best in the probe's own cross-validation. As a linear model it is folded back to raw features [d].

    Parameters
    ----------
    kind : "classification", "multilabel" or "regression". n_outputs : number of classes or targets.
    sizes : values of q to choose of. seed : of the cross-validation.

    Attributes
    ----------
    coef_ [k, d], intercept_ [k], size_.

    References
    ----------
    Raina, Battle, Lee, Packer and Ng, "Self-taught Learning: Transfer Learning from Unlabeled Data", ICML 2007, with
    principal axes, its baseline, in the place of sparse codes: a linear model stays one.
    """

    kind: str = "classification"
    n_outputs: int | None = None
    sizes: tuple[int, ...] = (4, 16, 64)
    seed: int = 0

    def fit(
        self, features: Array, labels: Array, validation: Any = None, unlabelled: Array | None = None
    ) -> SelfTaught:
        """Fit on features [n, d] and labels; ``unlabelled`` [m, d] helps to find the axes."""
        features = np.asarray(features, dtype=np.float64)
        check_features(features, labels)
        every = features if unlabelled is None else np.concatenate([features, unlabelled])
        mean = every.mean(axis=0)
        _, spread, axes = np.linalg.svd(every - mean, full_matrices=False)
        kept = spread > spread.max() * 1e-6
        maps = (axes[kept] / (spread[kept, None] / np.sqrt(len(every)))).T
        wanted = as_labels(labels, self.kind)
        k = self.n_outputs or count_outputs(wanted, self.kind)
        problem = Problem(self.kind, k, default_strengths(self.kind), standardise=False, common=True)
        parts = default_folds(wanted, self.kind, 5, self.seed) if link_of(self.kind) != "identity" else None
        tried = {
            size: search((features - mean) @ maps[:, :size], wanted, problem, None, parts)
            for size in dict.fromkeys(min(size, maps.shape[1]) for size in self.sizes)
        }
        self.size_ = max(tried, key=lambda size: float(np.max(tried[size].scores)))
        best, chosen = tried[self.size_].head, maps[:, : self.size_]
        self.coef_ = best.coef @ chosen.T
        self.intercept_ = best.intercept - self.coef_ @ mean
        return self

    def decision_function(self, features: Array) -> Array:
        """Return outputs [n, k]: logits, or values."""
        return np.asarray(features, dtype=np.float64) @ self.coef_.T + self.intercept_

    def score(self, features: Array, labels: Array) -> float:
        """Return the mean of the task's primary metric, higher is better."""
        return float(per_sample(self.decision_function(features), as_labels(labels, self.kind), self.kind)[0].mean())
