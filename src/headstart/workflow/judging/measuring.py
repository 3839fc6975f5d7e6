"""A metric of one arm with its interval, and metrics of several arms on any test rows, for the verdict."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from headstart.functional.bootstrap import corpus_interval
from headstart.functional.intervals import Interval, interval_of_mean
from headstart.kinds import ERRORS
from headstart.tasks import TaskLogic
from headstart.workflow.judging.predictions import Predictions
from headstart.workflow.judging.verdict import Measures

Array = np.ndarray


def measures_of(logic: TaskLogic, values: dict[str, list[Array]], labels: Array) -> Measures | None:
    """Return arm to ``(rows) -> metric``, higher is better; None where the metric is a mean of one score per sample.

    Parameters
    ----------
    values : arm to predictions [n, k], one per seed. labels : [n] or [n, k].
    """
    if logic.task.is_own_metric:
        return None
    return {arm: _mean_score(logic, parts, labels) for arm, parts in values.items()}


def _mean_score(logic: TaskLogic, parts: list[Array], labels: Array) -> Callable[[Array], float]:
    each = [logic.over_rows(part, labels) for part in parts]
    return lambda rows: float(np.mean([one(rows) for one in each]))


def scores_of(logic: TaskLogic, predictions: Predictions) -> dict[str, Array]:
    """Return every arm's scores [seeds, n_test], higher is better."""
    return {
        arm: np.stack([logic.scores(value, predictions.labels) for value in values])
        for arm, values in predictions.values.items()
    }


def interval_of_arm(logic: TaskLogic, parts: list[Array], labels: Array, *, seed: int = 0) -> Interval:
    """Return the 95% interval of the primary metric of predictions, one per seed, in the metric's own units."""
    if logic.task.is_own_metric:
        scores = np.stack([logic.scores(part, labels) for part in parts])
        found = interval_of_mean(scores, share=logic.task.label_space.has_shares, seed=seed)
    else:
        _, low, high = corpus_interval(_mean_score(logic, parts, labels), len(labels), seed=seed)
        found = Interval(low, high, "bootstrap")
    if logic.task.metric in ERRORS:
        return Interval(-found.high, -found.low, found.kind)
    return found
