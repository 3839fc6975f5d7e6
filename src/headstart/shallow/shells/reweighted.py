"""Any estimator on source rows that are weighted to stand for the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.errors import nearest
from headstart.shallow.adaptation import Array
from headstart.shallow.domains import Domains
from headstart.shallow.shells.shell import Shell

WeightFunction = Callable[..., Array]


def uniform_weights(source: Any, target: Any, *, labels: Array | None = None, seed: int = 0) -> Array:
    """Return ones [n]: no reweighting."""
    return np.ones(source.shape[0])


uniform_weights.sparse_input = True  # pyright: ignore[reportFunctionMemberAccess]


def weight_function(weights: str | WeightFunction) -> WeightFunction:
    """Return the function that ``weights`` names: ``uniform``, or a reweighting of the catalogue."""
    from headstart import catalogue

    if callable(weights):
        return weights
    known = {entry.name: entry for entry in catalogue.METHODS if entry.kind == "weights"}
    if weights == "uniform":
        return uniform_weights
    if weights not in known:
        raise ValueError(f"weights is {weights!r}, which is no reweighting; {nearest(str(weights), known)}")
    return known[weights].load()


@dataclass(kw_only=True, eq=False, repr=False)
class Reweighted(Shell):
    """Any estimator that takes ``sample_weight``, on source rows weighted to stand for the target.

    Importance weighting: ``min_f mean_i w(x_i) loss(f(x_i), y_i)`` with ``w ~ p_target / p_source`` estimates the
    target's risk when only P(X) (or, for the label-shift weights, only P(Y)) differs. Labelled target rows join with
    weight ``target_weight``.

    Parameters
    ----------
    weights : ``uniform``, the name of a reweighting in the catalogue, or
        ``function(source, target, labels=..., seed=...) -> [n]``; with ``sparse_input`` if it takes CSR rows.
    estimator : classifier or regressor with ``sample_weight``; None for `TunedLogistic`.
    options : keyword arguments of the function.
    target_weight : weight of a labelled target row, where the mean source row has 1.
    seed : handed to the function.

    Attributes
    ----------
    weights_ : [n] of the source rows, mean 1. effective_sample_size_ : ``(sum w)^2 / sum w^2`` (Kish).

    References
    ----------
    Shimodaira, "Improving predictive inference under covariate shift by weighting the log-likelihood function",
    Journal of Statistical Planning and Inference 2000. Kish, "Survey Sampling", 1965.
    """

    weights: Any = "kmm"
    estimator: Any = None
    options: dict[str, Any] | None = None
    target_weight: float = 1.0
    seed: int = 0

    @property
    def sparse_input(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether CSR rows are taken: as the function of the weights does."""
        return bool(getattr(weight_function(self.weights), "sparse_input", False))

    def _learn(self, domains: Domains) -> None:
        function = weight_function(self.weights)
        raw = function(domains.source, domains.target, labels=domains.labels, seed=self.seed, **(self.options or {}))
        raw = np.asarray(raw, dtype=np.float64)
        if raw.shape != domains.labels.shape or not np.isfinite(raw).all() or (raw < 0).any() or raw.sum() <= 0:
            raise ValueError(
                f"weights={self.weights!r} gave weights of shape {raw.shape} that are not {len(domains.labels)} finite "
                "numbers from 0 up with a positive sum."
            )
        self.weights_ = raw / raw.mean()
        self.effective_sample_size_ = float(self.weights_.sum() ** 2 / (self.weights_**2).sum())
        rows, labels = domains.labelled()
        extra = np.full(len(labels) - len(raw), float(self.target_weight))
        self._fit_inner(rows, labels, np.concatenate([self.weights_, extra]))

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return self._ask_inner(rows)
