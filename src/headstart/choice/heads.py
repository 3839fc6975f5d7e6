"""The models that stand on top of features in a race, settled once on the source's labels for all candidates."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headstart.functional.folds import default_folds, projected_order
from headstart.shallow.domains import Domains
from headstart.shallow.heads.nearest import TunedNearest
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic

Array = np.ndarray
Grid = tuple[int, int, int]
"""Channels, height and width of rows that are pictures, their pixels channel by channel and line by line."""
STRENGTHS = (0.3, 0.03, 0.003, 0.0003)
"""What the heads of adapted candidates choose from; a race has many of them, and baselines search more finely."""
ENOUGH = 3000
"""Source rows on which linear and nearest-neighbour models are compared."""
SURE = 2.0
"""Standard errors by which nearest neighbours must be better on the source."""


class Heads(NamedTuple):
    """Which model stands on top.

    Attributes
    ----------
    standardise : whether penalties and distances count in each feature's standard deviation; right for columns of
        different units, wrong for pixels, activations and words, whose rare features it blows up. nearest : whether
        maps end in nearest neighbours instead of a linear model. grid : of rows that are pictures; None of all others.
    """

    standardise: bool = True
    nearest: bool = False
    grid: Grid | None = None

    def baseline(self, regression: bool) -> Any:
        """Return the linear model that baselines are, its strength finely tuned."""
        return TunedRidge() if regression else TunedLogistic(standardise=self.standardise)

    def linear(self, regression: bool) -> Any:
        """Return the linear model that adapted candidates end in."""
        if regression:
            return TunedRidge()
        return TunedLogistic(strengths=STRENGTHS, n_folds=3, standardise=self.standardise)

    def after_map(self, regression: bool) -> Any:
        """Return the model on top of mapped features."""
        return TunedNearest(standardise=self.standardise) if self.nearest else self.linear(regression)


def settle(
    domains: Domains, *, regression: bool, standardise: bool | None = None, grid: Grid | None = None, seed: int = 0
) -> Heads:
    """Choose by cross-validation on the source alone.

    Parameters
    ----------
    standardise : None lets the source-only model's cross-validation say. grid : of rows that are pictures.
    """
    if regression:
        return Heads(grid=grid)
    n = len(domains.labels)
    order = projected_order(domains.source, seed)
    if n > ENOUGH:
        order = order[np.sort(np.random.default_rng(seed).permutation(n)[:ENOUGH])]
    rows, labels = domains.source[order], domains.labels[order]
    if len(np.unique(labels)) < 2 or len(labels) < 20:
        return Heads(standardise is not False, grid=grid)
    linear = TunedLogistic(standardise=standardise, n_folds=3, seed=seed).fit(rows, labels)
    scaled = linear.standardised_
    near = TunedNearest(standardise=scaled, seed=seed)
    near = TunedNearest(standardise=scaled, widths=(near.fit(rows, labels).width_,))
    right = np.zeros(len(labels))
    for train, held in default_folds(labels, "classification", 3, seed):
        right[held] = near.fit(rows[train], labels[train]).predict(rows[held]) == labels[held]
    difference = right - linear.held_out_
    error = float(difference.std()) / np.sqrt(len(difference))
    return Heads(scaled, bool(difference.mean() > SURE * error), grid)
