"""A probe of several stages: intermediate feature maps, reduced one by one and fused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator

from headstart.errors import UserError
from headstart.functional.linear import probabilities
from headstart.shallow.choosing import (
    LINKS,
    Array,
    Fold,
    as_labels,
    check_features,
    count_outputs,
    default_folds,
    per_sample,
)
from headstart.shallow.fusion import average, reduce, stack
from headstart.shallow.linear import Head, Problem, default_strengths, put_into, search

Maps = Mapping[str, Array]


@dataclass(kw_only=True)
class StageProbe(BaseEstimator):
    """Pool several stages' maps, reduce each by PCA, fuse them, and fit a linear head.

    With z_s the ``components`` leading principal components of stage s, scaled so that each stage has total
    variance 1:

    - "concatenate": one linear head on ``[z_1, ..., z_S]``.
    - "weighted": one head f_s per stage, ``f = sum_s a_s f_s`` with ``a >= 0, sum a = 1`` minimising the loss of
      out-of-fold outputs (convex stacking).

    Either is a linear map of the pooled maps, and is folded back to them.

    Parameters
    ----------
    kind, n_outputs, strengths, n_folds, seed : as for the linear probe (strengths on scaled components).
    fusion : "concatenate" or "weighted".
    components : most principal components kept per stage.

    Attributes
    ----------
    stages_ ; coef_ [k, sum of d_s] and intercept_ [k] for the pooled maps side by side in that order; weights_
    (stage to a_s; "weighted" only); strength_ (per stage for "weighted"); scores_.

    References
    ----------
    Evci et al., "Head2Toe: Utilizing Intermediate Representations for Better Transfer Learning", ICML 2022;
    Breiman, "Stacked Regressions", Machine Learning 1996 (non-negative stacking).
    """

    kind: str = "classification"
    n_outputs: int | None = None
    fusion: Literal["concatenate", "weighted"] = "concatenate"
    components: int = 256
    strengths: tuple[float, ...] | None = None
    n_folds: int = 5
    seed: int = 0

    def fit(
        self, maps: Maps, labels: Array, validation: tuple[Maps, Array] | None = None, folds: list[Fold] | None = None
    ) -> StageProbe:
        """Fit on stage to maps [n, d_s] (or [n, c, h, w], [n, l, d], which are averaged over space or tokens)."""
        if self.fusion not in ("concatenate", "weighted"):
            raise UserError(f"fusion is '{self.fusion}', but 'concatenate' or 'weighted' was expected.")
        labels, self.stages_ = as_labels(labels, self.kind), list(maps)
        pooled = {name: average(array) for name, array in maps.items()}
        for array in pooled.values():
            check_features(array, labels)
        # Components scaled to a stage's total variance of 1 are small numbers: penalties scale with them.
        strengths = default_strengths(self.kind) / 10 if self.strengths is None else np.array(self.strengths)
        problem = Problem(self.kind, self.n_outputs or count_outputs(labels, self.kind), strengths, standardise=False)
        axes = {name: reduce(array, self.components) for name, array in pooled.items()}
        held = None if validation is None else (validation[0], as_labels(validation[1], self.kind))
        if held is None:
            folds = folds or default_folds(labels, self.kind, self.n_folds, self.seed)
        fuse = self._concatenate if self.fusion == "concatenate" else self._weigh
        self.head_ = fuse(pooled, labels, problem, axes, held, folds)
        self.coef_, self.intercept_ = self.head_.coef, self.head_.intercept
        return self

    def _concatenate(
        self, pooled: Maps, labels: Array, problem: Problem, axes: Maps, held: Any, folds: list[Fold] | None
    ) -> Head:
        def fused(maps: Maps) -> Array:
            return np.concatenate([average(maps[name]) @ axes[name] for name in self.stages_], axis=1)

        validation = None if held is None else (fused(held[0]), held[1])
        chosen = search(fused(pooled), labels, problem, validation, folds)
        self.strength_, self.scores_ = chosen.strength, chosen.scores
        sizes = np.cumsum([axes[name].shape[1] for name in self.stages_])[:-1]
        blocks = np.split(chosen.head.coef, sizes, axis=1)
        pairs = zip(blocks, self.stages_, strict=True)
        coef = np.concatenate([block @ axes[name].T for block, name in pairs], axis=1)
        return Head(coef, chosen.head.intercept)

    def _weigh(
        self, pooled: Maps, labels: Array, problem: Problem, axes: Maps, held: Any, folds: list[Fold] | None
    ) -> Head:
        inner = folds or default_folds(labels, self.kind, self.n_folds, self.seed)
        outputs, heads, self.strength_, self.scores_ = [], [], {}, {}
        for name in self.stages_:
            features = pooled[name] @ axes[name]
            validation = None if held is None else (average(held[0][name]) @ axes[name], held[1])
            chosen = search(features, labels, problem, validation, folds)
            self.strength_[name], self.scores_[name] = chosen.strength, chosen.scores
            heads.append(chosen.head)
            outputs.append(
                _out_of_fold(features, labels, problem._replace(strengths=np.array([chosen.strength])), inner)
            )
        rows = np.concatenate([rows for _, rows in inner])
        weights = stack(np.stack(outputs)[:, rows], labels[rows], self.kind)
        self.weights_ = dict(zip(self.stages_, weights.tolist(), strict=True))
        parts = [w * head.coef @ axes[name].T for w, head, name in zip(weights, heads, self.stages_, strict=True)]
        return Head(np.concatenate(parts, axis=1), sum(w * h.intercept for w, h in zip(weights, heads, strict=True)))

    def decision_function(self, maps: Maps) -> Array:
        """Return raw outputs [n, k]."""
        return self.head_.outputs(np.concatenate([average(maps[name]) for name in self.stages_], axis=1))

    def predict_proba(self, maps: Maps) -> Array:
        """Return probabilities [n, k]."""
        return probabilities(self.decision_function(maps), LINKS[self.kind])

    def score(self, maps: Maps, labels: Array) -> float:
        """Return the mean of the task's primary metric, higher is better."""
        return float(per_sample(self.decision_function(maps), as_labels(labels, self.kind), self.kind)[0].mean())

    def to_head(self, head: Any, logic: Any = None) -> Any:
        """Put the solution into ``head``, an `nn.Linear` on the pooled maps side by side, and return it."""
        return put_into(head, self.head_, logic)
