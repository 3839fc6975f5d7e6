"""What a candidate of a race is expected to cost, by the size of the data alone, so that cheap ones run first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart import catalogue
from headstart.choice.candidates import BASELINES, NEAREST, Candidate, entry_of
from headstart.choice.heads import Heads
from headstart.choice.joint.plan import Plan, Stages
from headstart.shallow.domains import Domains

BASELINE_COST = (0.02, 1.4, 0.017, 0.0)
NEAREST_COST = (0.037, 0.042, 0.01, 2.0)
"""As `Entry.cost` of the catalogue, for what is no method."""
ARRAY_COST, TRAINED_COST = (0.1, 1.0, 0.3, 1.0), (3.0, 3.0, 0.0, 0.0)
"""Of a method that states none, fitted or trained."""
CUBIC = 2000
"""Rows up to which costs grow by their cube; more are stood for by landmarks, folds and batches, in proportion."""
ROWS = Heads()
CONVOLVED = 16
"""What a pixel that is convolved costs, in columns of a row that is not: 39 ms for a step of 64 pictures of 28 x 28."""


def expected_seconds(candidate: Candidate, domains: Domains, n_classes: int, heads: Heads = ROWS) -> float:
    """Return what a candidate is expected to take; the clock has no part in it."""
    rows = len(domains.labels) + len(domains.target_labels)
    if is_learnt(candidate.method):
        if candidate.stages is not None:
            return staged_seconds(candidate, candidate.stages, len(domains.labels), len(domains.target_labels))
        plan = Plan.of(heads, candidate.method, domains.source)
        steps = plan.steps(len(domains.labels), len(domains.target_labels)) / 1000
        columns = domains.source.shape[1] * (1 if heads.grid is None else CONVOLVED)
        terms = (steps, steps * columns / 1000, 0.0, 0.0)
        return 2 * float(np.dot(cost_of(candidate.method), terms))
    inner = min(rows, domains.source.shape[1])
    cube = rows / 1000 * (min(rows, CUBIC) / 1000) ** 2
    terms = (1.0, rows * inner * max(n_classes, 1) / 1e7, cube, (inner / 1000) ** 3)
    return float(np.dot(cost_of(candidate.method), terms))


def staged_seconds(candidate: Candidate, stages: Stages, n_source: int, n_target: int) -> float:
    """Return seconds of two trainings of a network's stages; methods that take longer on rows do so here."""
    steps = Plan.of_stages().steps(n_source, n_target)
    phases = 2 if entry_of(candidate.method).kind == "source_free" else 1
    return 2 * steps * phases * stages.seconds * cost_of(candidate.method)[0] / TRAINED_COST[0]


def is_learnt(method: str) -> bool:
    """Return whether a candidate is a method that the loop trains."""
    return method not in (*BASELINES, NEAREST) and entry_of(method).kind in catalogue.LEARNT


def cost_of(method: str) -> tuple[float, float, float, float]:
    """Return the terms of a method's or a baseline's cost."""
    if method in BASELINES:
        return BASELINE_COST
    if method == NEAREST:
        return NEAREST_COST
    return entry_of(method).cost or (TRAINED_COST if is_learnt(method) else ARRAY_COST)


def cheapest_first(
    candidates: Sequence[Candidate], domains: Domains, n_classes: int, heads: Heads = ROWS
) -> list[Candidate]:
    """Return baselines in their order, then the rest by expected cost; candidates of one cost keep their order."""
    base = [one for one in candidates if one.method in BASELINES]
    rest = [one for one in candidates if one.method not in BASELINES]
    return base + sorted(rest, key=lambda one: expected_seconds(one, domains, n_classes, heads))


def too_dear(cost: float, left: float, budget: float) -> str:
    """Say why a candidate does not fit what is left of a budget, all in seconds."""
    return f"left out: about {cost:.0f} s expected, {max(left, 0):.0f} s left of the budget of {budget:.0f} s"


def all_spent(budget: float) -> str:
    """Say why a candidate did not start."""
    return f"left out: the budget of {budget:.0f} s was spent"


def beyond(
    candidates: Sequence[Candidate], domains: Domains, n_classes: int, budget: float | None, heads: Heads = ROWS
) -> dict[int, tuple[float, float]]:
    """Return which candidates, run in this order, are expected to end beyond a budget: number to (cost, what is left).

    The first always runs. Whoever does not fit is left out, and a cheaper one behind may still fit.
    """
    if budget is None:
        return {}
    out, spent = {}, 0.0
    for number, candidate in enumerate(candidates):
        cost = expected_seconds(candidate, domains, n_classes, heads)
        if number and spent + cost > budget:
            out[number] = (cost, budget - spent)
        else:
            spent += cost
    return out
