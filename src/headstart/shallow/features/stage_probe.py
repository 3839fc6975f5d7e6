"""A probe of several stages: intermediate feature maps, reduced one by one and fused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator

from headstart.errors import UserError
from headstart.functional.folds import Array, Fold, default_folds, default_strengths
from headstart.shallow.heads.fusion import Maps, average, beside, onto, reduce, stacking_weights, unreduce
from headstart.shallow.heads.judging import per_sample
from headstart.shallow.heads.labels import as_labels, check_features, count_outputs, shares
from headstart.shallow.heads.linear import Head, Problem, put_into, search

Held = tuple[Maps, Array] | None


@dataclass(kw_only=True)
class StageProbe(BaseEstimator):
    """Pool several stages' maps, reduce each by PCA, fuse them, and fit a linear head.

    With z_s the ``components`` leading principal components of stage s's standardised features, scaled so that every
    stage has the same total variance:

    - "concatenate": one linear head on ``[z_1, ..., z_S]``.
    - "weighted": one head f_s per stage, ``f = sum_s a_s f_s`` with ``a >= 0, sum a = 1`` minimising the loss of
      out-of-fold outputs (convex stacking).

    Either is a linear map of the pooled maps, and is folded back to them.

    Parameters
    ----------
    kind, n_outputs, strengths, n_folds, seed : as for the linear probe.
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
        strengths = default_strengths(self.kind) if self.strengths is None else np.array(self.strengths)
        problem = Problem(self.kind, self.n_outputs or count_outputs(labels, self.kind), strengths, standardise=False)
        axes = reduce(pooled, self.components)
        held = validation and (onto(validation[0], axes), as_labels(validation[1], self.kind))
        if held is None:
            folds = folds or default_folds(labels, self.kind, self.n_folds, self.seed)
        fuse = self._concatenate if self.fusion == "concatenate" else self._weigh
        self.head_ = unreduce(fuse(onto(pooled, axes), problem, labels, held, folds), axes)
        self.coef_, self.intercept_ = self.head_.coef, self.head_.intercept
        return self

    def _concatenate(self, parts: Maps, problem: Problem, labels: Array, held: Held, folds: list[Fold] | None) -> Head:
        chosen = search(beside(parts), labels, problem, held and (beside(held[0]), held[1]), folds)
        self.strength_, self.scores_ = chosen.strength, chosen.scores
        return chosen.head

    def _weigh(self, parts: Maps, problem: Problem, labels: Array, held: Held, folds: list[Fold] | None) -> Head:
        inner = folds or default_folds(labels, self.kind, self.n_folds, self.seed)
        chosen = {
            name: search(part, labels, problem, held and (held[0][name], held[1]), folds)
            for name, part in parts.items()
        }
        self.strength_ = {name: result.strength for name, result in chosen.items()}
        self.scores_ = {name: result.scores for name, result in chosen.items()}
        self.weights_ = stacking_weights(parts, labels, problem, self.strength_, inner)
        heads = [(weight, chosen[name].head) for name, weight in self.weights_.items()]
        coef = np.concatenate([weight * head.coef for weight, head in heads], axis=1)
        return Head(coef, np.sum([weight * head.intercept for weight, head in heads], axis=0))

    def decision_function(self, maps: Maps) -> Array:
        """Return raw outputs [n, k]."""
        return self.head_.outputs(beside({name: average(maps[name]) for name in self.stages_}))

    def predict_proba(self, maps: Maps) -> Array:
        """Return probabilities [n, k]."""
        return shares(self.decision_function(maps), self.kind)

    def score(self, maps: Maps, labels: Array) -> float:
        """Return the mean of the task's primary metric, higher is better."""
        return float(per_sample(self.decision_function(maps), as_labels(labels, self.kind), self.kind)[0].mean())

    def to_head(self, head: Any, logic: Any = None) -> Any:
        """Put the solution into ``head``, an `nn.Linear` on the pooled maps side by side, and return it."""
        return put_into(head, self.head_, logic)
