"""The baseline of open sets: a linear model of the source that answers "unknown" where it is not certain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.shallow.domains import Domains
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.label_sets.unknown import with_unknown
from headstart.shallow.predictors import DomainClassifier

Array = np.ndarray


@dataclass(kw_only=True, eq=False, repr=False)
class Rejecting(DomainClassifier):
    """Source-only with a threshold: ``p(unknown | x) = u(H(q(x)))`` and ``p(c | x) = (1 - u) q_c(x)`` of target rows.

    q is logistic regression on the source alone, H its entropy in nats, and u the probability that an entropy belongs
    to the upper of two normals, which are fitted to the entropies of the target rows
    (`headstart.functional.separation.TwoNormals`). Nothing adapts. Where the target holds nothing unknown, the least
    certain rows are rejected all the same; where all are equally certain, none is.

    Parameters
    ----------
    standardise : whether features are counted in their deviations; None lets the source's cross-validation say.
    seed : of the cross-validation.

    Attributes
    ----------
    classes_ : the source's, and unknown. model_ : of the source. unit_ : [2], mean and deviation of the target's
        entropies. normals_ : [3, 2], means, variances and shares of both normals, in that unit.

    References
    ----------
    Hendrycks and Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks",
    ICLR 2017 (there the highest probability).
    """

    sparse_input: ClassVar[bool] = True
    standardise: bool | None = None
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        import torch

        from headstart.functional.separation import TwoNormals

        self.classes_ = with_unknown(self.classes_, np.unique(domains.labels))
        self.model_ = TunedLogistic(standardise=self.standardise, seed=self.seed).fit(domains.source, domains.labels)
        found = TwoNormals.of(torch.from_numpy(_entropies(self.model_.predict_proba(domains.target))))
        self.unit_ = np.array([float(found.centre), float(found.spread)])
        self.normals_ = torch.stack([found.mean, found.variance, found.share]).numpy()

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        known = self.model_.predict_proba(rows)
        unknown = np.zeros(len(known)) if is_source else self._unknown(_entropies(known))
        out = np.zeros((len(known), len(self.classes_)))
        out[:, self.model_.classes_] = known * (1 - unknown)[:, None]
        out[:, -1] = unknown
        return out

    def _unknown(self, entropies: Array) -> Array:
        import torch

        from headstart.functional.separation import TwoNormals

        if self.unit_[1] <= SAME:
            return np.zeros(len(entropies))
        found = TwoNormals(*(torch.from_numpy(np.asarray(part)) for part in (*self.unit_, *self.normals_)))
        return found.upper(torch.from_numpy(entropies)).numpy()


SAME = 1e-6
"""A deviation of entropies that is none."""


def _entropies(probabilities: Array) -> Array:
    return -(probabilities * np.log(np.maximum(probabilities, 1e-300))).sum(axis=1)
