"""How much a representation learned without labels helps a later task with few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from headstart.functional.folds import projected_order
from headstart.functional.scale import location_scale
from headstart.shallow.adaptation import dense
from headstart.shallow.domains import stack
from headstart.shallow.heads.tuned import TunedLogistic

Array = np.ndarray
ARMS = ("carried", "alone", "raw")


class Interval(NamedTuple):
    """A mean over seeds and its Student interval."""

    mean: float
    low: float
    high: float


class Agreement(NamedTuple):
    """Adjusted Rand index and adjusted mutual information of clusters with labels; 0 is chance and 1 all."""

    ari: float
    ami: float


@dataclass(frozen=True)
class UnsupervisedMeasure:
    """What a carried representation was worth on the target.

    Attributes
    ----------
    accuracy : of each arm's probe on the rows that it was not fitted on: "carried" (learned on the source), "alone"
        (the same, learned on the target's rows only) and "raw" (the target's features).
    over_raw, over_alone : paired gains of "carried" in points of accuracy (0 to 1), over the same draws.
    agreement : of clusters of each arm's rows with the labels.
    shots, seeds : labelled rows per class; number of draws.
    """

    accuracy: dict[str, Interval]
    over_raw: Interval
    over_alone: Interval
    agreement: dict[str, Agreement]
    shots: int
    seeds: int

    def __str__(self) -> str:
        lines = [f"{self.shots} labelled rows per class, {self.seeds} draws"]
        for arm in ARMS:
            mean, low, high = self.accuracy[arm]
            ari, ami = self.agreement[arm]
            lines.append(f"{arm:8}accuracy {mean:.3f} ({low:.3f} to {high:.3f})  clusters ARI {ari:.3f}, AMI {ami:.3f}")
        for name, gain in (("raw", self.over_raw), ("alone", self.over_alone)):
            lines.append(
                f"carried over {name}: {100 * gain.mean:+.1f} points ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
            )
        return "\n".join(lines)


def measure_unsupervised(
    transformer: Any,
    source: Any,
    target: Any,
    labels: Any,
    *,
    shots: int = 5,
    seeds: int = 20,
    probe: Any = None,
    level: float = 0.95,
) -> UnsupervisedMeasure:
    """Measure a representation learned on the source by a later task with few labels, and by its clusters.

    The representation is learned from inputs alone. Then, ``seeds`` times, ``shots`` rows of each class of the target
    are drawn, a probe is fitted on them, and scored on all other rows; the three arms of `UnsupervisedMeasure` see the
    same draws. Clusters are the transformer's own where it gives them, else k-means with as many as there are classes.

    Parameters
    ----------
    transformer : of kind "unsupervised", unfitted. source [n, d], target [m, d] : rows.
    labels : [m], of the target, held back from the representation.
    probe : classifier; None for `TunedLogistic` on the rows as they come: raw features as z-scores, a representation
        under one common scale. level : of the intervals.

    Raises
    ------
    ValueError : a class has no more rows than ``shots``, or there is one class only.

    References
    ----------
    Raina, Battle, Lee, Packer and Ng, "Self-taught Learning", ICML 2007, section 5 (the comparison); Hubert and
    Arabie, "Comparing Partitions", Journal of Classification 1985; Vinh, Epps and Bailey, JMLR 2010 (adjusted mutual
    information).
    """
    classes, labels = np.unique(labels, return_inverse=True)
    fewest = int(np.bincount(labels).min())
    if len(classes) < 2 or fewest <= shots:
        raise ValueError(
            f"labels have {len(classes)} classes, the smallest of {fewest} rows; expected two classes or more, each of "
            f"more than shots={shots} rows."
        )
    arms = {
        "carried": scaled(*represent(transformer, source, target)),
        "alone": scaled(*represent(transformer, target, target)),
        "raw": scaled(target, None, each=True),
    }
    draws = [_draw(labels, shots, np.random.default_rng(seed)) for seed in range(seeds)]
    make: Callable[[], Any] = (lambda: TunedLogistic(standardise=False)) if probe is None else (lambda: clone(probe))
    scores = {arm: np.array([_score(make(), rows, labels, draw) for draw in draws]) for arm, (rows, _) in arms.items()}
    return UnsupervisedMeasure(
        accuracy={arm: interval(values, level) for arm, values in scores.items()},
        over_raw=interval(scores["carried"] - scores["raw"], level),
        over_alone=interval(scores["carried"] - scores["alone"], level),
        agreement={arm: cluster_agreement(rows, clusters, labels) for arm, (rows, clusters) in arms.items()},
        shots=shots,
        seeds=seeds,
    )


def represent(transformer: Any, source: Any, target: Any) -> tuple[Array, Array | None]:
    """Return the target's rows in the representation learned on the source, and their clusters if it gives any."""
    fitted: Any = clone(transformer)
    domain = np.repeat([1, -1], [source.shape[0], target.shape[0]])
    fitted.fit(stack(source, target), None, sample_domain=domain)
    return fitted.transform(target), fitted.predict(target) if hasattr(fitted, "predict") else None


def scaled(rows: Any, clusters: Array | None, *, each: bool = False) -> tuple[Array, Array | None]:
    """Centre rows and scale them, each feature by its own spread or all by their common one; clusters stay."""
    mean, spread = location_scale(rows, each=each)
    return (dense(rows) - mean) / spread, clusters


def _draw(labels: Array, shots: int, rng: np.random.Generator) -> Array:
    """Return which rows are labelled, bool [m]."""
    chosen = np.zeros(len(labels), dtype=bool)
    for number in range(labels.max() + 1):
        chosen[rng.choice((labels == number).nonzero()[0], shots, replace=False)] = True
    return chosen


def _score(probe: Any, rows: Any, labels: Array, shown: Array) -> float:
    predicted = probe.fit(rows[shown], labels[shown]).predict(rows[~shown])
    return float((predicted == labels[~shown]).mean())


def interval(values: Array, level: float = 0.95) -> Interval:
    """Return the mean of values and Student's interval around it."""
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return Interval(mean, float("nan"), float("nan"))
    half = float(stats.t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half)


def cluster_agreement(rows: Any, clusters: Array | None, labels: Array) -> Agreement:
    """Return how well clusters of the rows agree with labels; k-means where none are given."""
    if clusters is None:
        order = projected_order(rows)
        means: Any = KMeans(len(np.unique(labels)), random_state=0).set_params(n_init=10)
        clusters, labels = means.fit_predict(rows[order]), labels[order]
    return Agreement(float(adjusted_rand_score(labels, clusters)), float(adjusted_mutual_info_score(labels, clusters)))
