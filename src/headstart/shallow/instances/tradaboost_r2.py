"""TrAdaBoost.R2 and its two-stage form: boosting across domains for a regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn import config_context
from sklearn.base import clone
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import get_tags

from headstart.shallow.domains import Domains
from headstart.shallow.instances.tradaboost import both_domains
from headstart.shallow.predictors import DomainRegressor

Array = np.ndarray


class Voice(NamedTuple):
    """A fitted regressor and its weight in the median."""

    model: Any
    weight: float


def weighted_median(values: Array, weights: Array) -> Array:
    """Return, for each row of values [n, t], the least one below which half of the weights [t] lies."""
    order = np.argsort(values, axis=1)
    reached = np.cumsum(weights[order], axis=1) >= 0.5 * weights.sum() * (1 - 1e-12)
    chosen = order[np.arange(len(values)), reached.argmax(axis=1)]
    return values[np.arange(len(values)), chosen]


def speak(voices: list[Voice], rows: Any) -> Array:
    """Return the weighted median [n] of what the regressors predict."""
    values = np.stack([np.asarray(voice.model.predict(rows), dtype=np.float64) for voice in voices], axis=1)
    return weighted_median(values, np.array([voice.weight for voice in voices]))


def fit_drawn(estimator: Any, rows: Any, values: Array, weights: Array, rng: np.random.Generator) -> Any:
    """Fit to as many rows as have weight, drawn with replacement by weight, as AdaBoost.R2 does."""
    drawn = rng.choice(len(values), np.count_nonzero(weights), p=weights / weights.sum())
    model: Any = clone(estimator)
    return model.fit(rows[drawn], values[drawn])


def adjusted_errors(model: Any, rows: Any, values: Array) -> Array:
    """Return ``|y - h(x)|`` divided by the largest, [n] in [0, 1]; 0 where all are no more than rounding."""
    errors = np.abs(values - model.predict(rows))
    if errors.max() <= 1e-12 * max(float(np.abs(values).max()), 1e-300):
        return np.zeros(len(values))
    return errors / errors.max()


def boost_r2(
    estimator: Any, rows: Any, values: Array, weights: Array, n_source: int, *, rounds: int, fade: bool, seed: int = 0
) -> list[Voice]:
    """Boost a regressor on rows [n + m, d], the source's n = ``n_source`` first.

    In every round a regressor h is fitted to rows drawn by weight.

    With adjusted errors e_i in [0, 1], mean error e, ``beta_t = e / (1 - e)`` and
    ``beta = 1 / (1 + sqrt(2 ln n / N))``:

    - ``fade`` (TrAdaBoost.R2): e is the target's, source rows ``w *= beta^e_i``, target rows ``w *= beta_t^-e_i``, and
      the last half of the rounds speak;
    - otherwise (AdaBoost.R2'): e is of all rows, target rows ``w *= beta_t^(1 - e_i)``, brought back to their former
      sum, source rows stay, and all rounds speak.

    Ends early at a mean error of 1/2 or of nothing.
    """
    weights, rng = weights / weights.sum(), np.random.default_rng(seed)
    target = np.arange(len(values)) >= n_source
    decay = 1 / (1 + np.sqrt(2 * np.log(max(n_source, 2)) / rounds))
    voices: list[Voice] = []
    for _ in range(rounds):
        model = fit_drawn(estimator, rows, values, weights, rng)
        errors = adjusted_errors(model, rows, values)
        judged = target if fade else np.ones(len(values), dtype=bool)
        error = float(weights[judged] @ errors[judged] / weights[judged].sum())
        if error >= 0.5 and voices:
            break
        ratio = float(np.clip(error / (1 - min(error, 0.5 - 1e-6)), 1e-10, 1 - 1e-6))
        voices.append(Voice(model, -float(np.log(ratio))))
        if error >= 0.5 or error <= 1e-10:
            break
        if fade:
            weights = weights * np.where(target, ratio**-errors, decay**errors)
            weights /= weights.sum()
        else:
            raised = weights[target] * ratio ** (1 - errors[target])
            weights = weights.copy()
            weights[target] = raised * (weights[target].sum() / raised.sum())
    return voices[(len(voices) - 1) // 2 :] if fade else voices


def shrink_source(weights: Array, errors: Array, n_source: int, share: float) -> Array:
    """Return weights whose target part is ``share`` of the whole: source rows ``w *= beta^e_i``, beta by bisection."""
    weights = weights.copy()
    source = weights[:n_source]
    wanted = weights[n_source:].sum() * (1 - share) / share
    low, high = -700.0, 0.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if (source * np.exp(middle * errors[:n_source])).sum() < wanted else (low, middle)
    shrunk = source * np.exp(high * errors[:n_source])
    weights[:n_source] = shrunk * min(1.0, wanted / max(shrunk.sum(), 1e-300))
    return weights / weights.sum()


class _Boosted(DomainRegressor):
    """What both regressors share: the estimator, and what speaks."""

    estimator: Any

    def _inner(self) -> Any:
        return DecisionTreeRegressor(max_depth=6, random_state=0) if self.estimator is None else self.estimator

    def _learn(self, domains: Domains) -> None:
        rows, values, n_source = both_domains(domains, type(self).__name__)
        if n_source == len(values):
            alone: Any = clone(self._inner())
            self.voices_ = [Voice(alone.fit(rows, values), 1.0)]
            return
        with config_context(assume_finite=True, skip_parameter_validation=True):  # hundreds of fits to the same rows
            self.voices_ = self._boost(rows, values, n_source)

    def _boost(self, rows: Any, values: Array, n_source: int) -> list[Voice]:
        raise NotImplementedError

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return speak(self.voices_, rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(self._inner()).input_tags.sparse
        return tags


@dataclass(kw_only=True, eq=False, repr=False)
class TrAdaBoostR2(_Boosted):
    """TrAdaBoost for a regression: errors in [0, 1] take the place of misses; see `boost_r2`.

    After each round ``w_i <- w_i beta^e_i`` for source rows and ``w_i <- w_i beta_t^-e_i`` for target rows.

    Target rows without label are not used.

    Parameters
    ----------
    estimator : regressor; None for a tree of depth 6. rounds : N. seed : of the drawn rows.

    Attributes
    ----------
    voices_ : what speaks, with its weight in the median.

    Raises
    ------
    ValueError : when no label of a target row is known.

    References
    ----------
    Pardoe and Stone, "Boosting for Regression Transfer", ICML 2010, section 3.1. Drucker, "Improving Regressors using
    Boosting Techniques", ICML 1997 (AdaBoost.R2).
    """

    sparse_input: ClassVar[bool] = True
    estimator: Any = None
    rounds: int = 30
    seed: int = 0

    def _boost(self, rows: Any, values: Array, n_source: int) -> list[Voice]:
        even = np.ones(len(values))
        return boost_r2(self._inner(), rows, values, even, n_source, rounds=self.rounds, fade=True, seed=self.seed)


@dataclass(kw_only=True, eq=False, repr=False)
class TwoStageTrAdaBoostR2(_Boosted):
    """First the source's weight as a whole falls in steps, then the target's rows are boosted; the best step is kept.

    In step t of S, source rows get ``w *= beta_t^e_i`` with beta_t such that the target has the share
    ``m / (n + m) + t / (S - 1) (1 - m / (n + m))`` of the weight, from all rows alike to the target alone. In each
    step, AdaBoost.R2' (`boost_r2`) is judged by cross-validation on the labelled target rows, and the step of the least
    squared error is the answer. ``steps * (folds + 1) * rounds`` fits of the estimator.

    Parameters
    ----------
    estimator : regressor; None for a tree of depth 6. steps : S. rounds : of boosting in a step.
    folds : of the target's labelled rows; one such row alone cannot be judged and gets the first step.
    seed : of the folds and the drawn rows.

    Attributes
    ----------
    voices_ : what speaks, with its weight in the median. errors_ : [S], the cross-validated squared errors.

    Raises
    ------
    ValueError : when no label of a target row is known.

    References
    ----------
    Pardoe and Stone, "Boosting for Regression Transfer", ICML 2010, section 3.2, algorithm 3.
    """

    sparse_input: ClassVar[bool] = True
    estimator: Any = None
    steps: int = 10
    rounds: int = 10
    folds: int = 5
    seed: int = 0

    def _boost(self, rows: Any, values: Array, n_source: int) -> list[Voice]:
        weights, m = np.ones(len(values)), len(values) - n_source
        shares = np.linspace(m / len(values), 1.0, self.steps)
        plan, errors, rng = [], [], np.random.default_rng(self.seed)
        for step in range(self.steps):
            plan.append(weights)
            errors.append(self._judge(rows, values, weights, n_source))
            if step + 1 < self.steps:
                model = fit_drawn(self._inner(), rows, values, weights, rng)
                weights = shrink_source(weights, adjusted_errors(model, rows, values), n_source, shares[step + 1])
        self.errors_ = np.array(errors)
        best = plan[int(np.argmin(self.errors_))]
        return self._step(rows, values, best, n_source)

    def _step(self, rows: Any, values: Array, weights: Array, n_source: int) -> list[Voice]:
        inner = self._inner()
        return boost_r2(inner, rows, values, weights, n_source, rounds=self.rounds, fade=False, seed=self.seed)

    def _judge(self, rows: Any, values: Array, weights: Array, n_source: int) -> float:
        m = len(values) - n_source
        fold = np.random.default_rng(self.seed).permutation(m) % min(self.folds, m)
        total = 0.0
        for number in range(fold.max() + 1) if m > 1 else ():
            held = np.append(np.zeros(n_source, dtype=bool), fold == number)
            voices = self._step(rows[~held], values[~held], weights[~held], n_source)
            total += float(((speak(voices, rows[held]) - values[held]) ** 2).sum())
        return total / m
