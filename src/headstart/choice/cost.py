"""What a candidate of a race is expected to cost, by the size of the data alone, so that cheap ones run first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart import catalogue
from headstart.choice.candidates import BASELINES, NEAREST, Candidate
from headstart.errors import check_names
from headstart.shallow.domains import Domains

COSTS: dict[str, tuple[float, float, float, float]] = {
    "source_only": (0.02, 1.4, 0.017, 0.0),
    "target_only": (0.02, 1.4, 0.017, 0.0),
    "pooled": (0.02, 1.4, 0.017, 0.0),
    NEAREST: (0.037, 0.042, 0.01, 2.0),
    "meda": (0.037, 0.48, 0.82, 0.0),
    "self_training": (0.1, 1.3, 0.058, 0.0),
    "easytl": (0.017, 0.17, 0.01, 0.24),
    "jda": (0.053, 0.45, 0.028, 1.6),
    "jgsa": (0.059, 1.0, 0.028, 6.9),
    "artl": (0.028, 0.36, 0.85, 0.18),
    "gfk": (0.027, 0.43, 0.016, 0.36),
    "coral": (0.027, 0.48, 0.015, 0.5),
    "standardize": (0.027, 0.3, 0.016, 0.25),
    "kmm": (0.034, 0.91, 0.067, 0.0),
    "bbse": (0.2, 3.2, 0.05, 0.0),
    "msda": (9.0, 13.0, 0.0, 0.0),
}
"""Seconds of fitting twice and scoring, ``a + b N q k / 10^7 + c (N / 1000)^3 + e (q / 1000)^3``: N rows of both
domains, q the smaller of N and the columns, k classes. Fitted to 120 races of the development pairs on one thread of a
server of 2026, mostly within a factor of 2. Only their order and their share of a budget are used."""
OTHERS = (0.1, 1.0, 0.3, 1.0)
"""For what is not in the table."""
check_names(COSTS, (*catalogue.names(), *BASELINES, NEAREST), "headstart.choice.cost.COSTS")


def expected_seconds(candidate: Candidate, domains: Domains, n_classes: int) -> float:
    """Return what a candidate is expected to take; the clock has no part in it."""
    rows = len(domains.labels) + len(domains.target_labels)
    inner = min(rows, domains.source.shape[1])
    terms = (1.0, rows * inner * max(n_classes, 1) / 1e7, (rows / 1000) ** 3, (inner / 1000) ** 3)
    return float(np.dot(COSTS.get(candidate.method, OTHERS), terms))


def cheapest_first(candidates: Sequence[Candidate], domains: Domains, n_classes: int) -> list[Candidate]:
    """Return baselines in their order, then the rest by expected cost; candidates of one cost keep their order."""
    base = [one for one in candidates if one.method in BASELINES]
    rest = [one for one in candidates if one.method not in BASELINES]
    return base + sorted(rest, key=lambda one: expected_seconds(one, domains, n_classes))


def beyond(
    candidates: Sequence[Candidate], domains: Domains, n_classes: int, budget: float | None
) -> dict[int, tuple[float, float]]:
    """Return which candidates, run in this order, are expected to end beyond a budget: number to (cost, what is left).

    The first always runs. Whoever does not fit is left out, and a cheaper one behind may still fit.
    """
    if budget is None:
        return {}
    out, spent = {}, 0.0
    for number, candidate in enumerate(candidates):
        cost = expected_seconds(candidate, domains, n_classes)
        if number and spent + cost > budget:
            out[number] = (cost, budget - spent)
        else:
            spent += cost
    return out
