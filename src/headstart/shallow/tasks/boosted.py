"""Tasks that share boosted trees, and have others of their own."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted, validate_data

from headstart.shallow.tasks.linear import in_units


class Boosted(RegressorMixin, BaseEstimator):
    """``f_t = sum_m r h_m [h_m is common or t's own]``: each round adds the tree that lowers the squared error most.

    The candidates of a round are one tree fitted to what is left of all tasks together and one to what is left of each
    task. Values may be missing (NaN in y [n, t]); they are in units of their deviations.

    Parameters
    ----------
    rounds : how many trees. rate : r, in (0, 1]. depth : of the trees. seed : of ties between splits.

    Attributes
    ----------
    trees_ : pairs of a task's number, -1 for all, and its tree.

    References
    ----------
    Chapelle et al., "Boosted multi-task learning", Machine Learning 2011, algorithm 1.
    """

    single_: bool

    def __init__(self, rounds: int = 100, rate: float = 0.1, depth: int = 3, seed: int = 0) -> None:
        self.rounds, self.rate, self.depth, self.seed = rounds, rate, depth, seed

    def fit(self, X: Any, y: Any) -> Self:
        x, values, self.centre_, self.spread_ = in_units(self, X, y)
        self.trees_: list[tuple[int, DecisionTreeRegressor]] = []
        for _ in range(self.rounds):
            found = [
                self._candidate(x, values, task) for task in range(-1 if values.shape[1] > 1 else 0, values.shape[1])
            ]
            task, tree, _ = max(found, key=lambda one: one[2])
            values = values - self.rate * _spread_over(tree.predict(x), task, values.shape[1])
            self.trees_.append((task, tree))
        return self

    def _candidate(self, x: np.ndarray, left: np.ndarray, task: int) -> tuple[int, DecisionTreeRegressor, float]:
        """Return a tree of what is left of a task (-1: of all), and by how much a step along it lowers the error."""
        mine = left if task < 0 else left[:, [task]]
        given = ~np.isnan(mine)
        count = given.sum(axis=1)
        rows = count > 0
        mean = np.where(given, mine, 0.0).sum(axis=1)[rows] / count[rows]
        tree = DecisionTreeRegressor(max_depth=self.depth, random_state=self.seed)
        tree.fit(x[rows], mean, sample_weight=count[rows])
        moved = mine - self.rate * tree.predict(x)[:, None]
        return task, tree, float(np.nansum(np.square(mine)) - np.nansum(np.square(moved)))

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "trees_")
        x = validate_data(self, X, dtype=np.float64, reset=False)
        found = np.zeros((len(x), len(self.centre_)))
        for task, tree in self.trees_:
            found += self.rate * _spread_over(tree.predict(x), task, len(self.centre_))
        found = self.centre_ + self.spread_ * found
        return found[:, 0] if self.single_ else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _spread_over(values: np.ndarray, task: int, tasks: int) -> np.ndarray:
    """Return values [n, tasks]: of one task alone, or (-1) of all alike."""
    return values[:, None] * (np.ones(tasks) if task < 0 else np.eye(tasks)[task])
