"""Which features, in which scale, at which strength: chosen together on folds of the training rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from headstart.functional.folds import Array, Fold, best
from headstart.shallow.heads.judging import cross_validated
from headstart.shallow.heads.linear import Problem, solve

MOST_ROWS = 1_000
"""Rows on which features and scale are chosen; the strength is chosen on all."""


class Settings(NamedTuple):
    """What was chosen: the features' name, whether they are standardised one by one, the penalty's strength."""

    features: str
    standardise: bool
    strength: float


class _Candidate(NamedTuple):
    settings: Settings
    scores: Array
    losses: Array


def choose_jointly(
    maps: dict[str, Array],
    labels: Array,
    problem: Problem,
    folds: list[Fold],
    *,
    scales: tuple[bool, ...] = (True, False),
) -> Settings:
    """Return the settings of the best out-of-fold score; among equals the least loss.

    Parameters
    ----------
    maps : name to features [n, d], the usual ones first: others must beat them by a standard error of the paired
        difference, since the best of many looks good by luck.
    problem : its strengths are the candidates; its scale is not looked at.
    folds : (training rows, held-out rows); nothing else is held out, so what they choose has not been measured yet.
    scales : True standardises every feature, False brings all by one factor to a mean variance of 1.
    """
    if (
        not folds
    ):  # one row of each class: nothing can be held out, so the usual features, as they are, at full strength
        return Settings(next(iter(maps)), scales[-1], float(problem.strengths.max()))
    found = [_best_of(name, features, labels, problem, folds, scales) for name, features in maps.items()]
    first = found[0]
    gains = [one.scores - first.scores for one in found]
    beyond = [gain.mean() - gain.std() / np.sqrt(len(gain)) for gain in gains]
    able = [one for one, margin in zip(found, beyond, strict=True) if one is first or margin > 0]
    return _first(able).settings


def _best_of(
    name: str, features: Array, labels: Array, problem: Problem, folds: list[Fold], scales: tuple[bool, ...]
) -> _Candidate:
    """Return the best scale and strength of one kind of features, with its scores and losses of the held-out rows."""
    return _first([_best_strength(name, features, labels, _scaled(problem, scale), folds) for scale in scales])


def _best_strength(name: str, features: Array, labels: Array, problem: Problem, folds: list[Fold]) -> _Candidate:
    def outputs(train: Array, held: Array) -> list[Array]:
        return [head.outputs(features[held]) for head in solve(features[train], labels[train], problem)]

    scores, losses = cross_validated(outputs, labels, problem.kind, folds)
    held = np.unique(np.concatenate([rows for _, rows in folds]))
    weights = problem.weights(labels[held])
    scores, losses = scores[:, held] * weights, losses[:, held] * weights
    number = best(scores.mean(axis=1), losses.mean(axis=1), problem.strengths)
    settings = Settings(name, problem.standardise, float(problem.strengths[number]))
    return _Candidate(settings, scores[number], losses[number])


def _scaled(problem: Problem, standardise: bool) -> Problem:
    return problem._replace(standardise=standardise, common=not standardise)


def _first(found: list[_Candidate]) -> _Candidate:
    scores, losses = ([float(getattr(one, name).mean()) for one in found] for name in ("scores", "losses"))
    return found[best(np.array(scores), np.array(losses), -np.arange(len(found)))]
