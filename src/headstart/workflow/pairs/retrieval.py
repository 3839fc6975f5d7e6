"""How often each side's partner is found among all of the other side, on pairs that were held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.functional.intervals import interval_of_mean
from headstart.functional.retrieval import places

Array = np.ndarray
DEPTHS = (1, 5, 10)


@dataclass(frozen=True)
class Retrieval:
    """One direction: recall by depth with its interval and its chance, over ``n`` queries and ``m`` answers.

    Queries and answers of equal content are one; every answer that is paired with a query is right.
    """

    name: str
    recall: dict[int, float]
    interval: dict[int, tuple[float, float]]
    chance: dict[int, float]
    median: float
    n: int
    m: int

    @property
    def figures(self) -> dict[str, float]:
        return {f"{self.name}, recall@1": self.recall[1]}

    def to_json(self) -> dict[str, Any]:
        told = {
            f"recall@{k}": {"value": self.recall[k], "interval": list(self.interval[k]), "chance": self.chance[k]}
            for k in self.recall
        }
        return {"name": self.name, "n": self.n, "m": self.m, "median_place": self.median, **told}

    def line(self) -> str:
        said = []
        for k, value in self.recall.items():
            low, high = (100 * bound for bound in self.interval[k])
            said.append(
                f"{100 * value:.1f}% among the first {k} ({low:.1f} to {high:.1f}, chance {100 * self.chance[k]:.1f})"
            )
        return f"  {self.name}: {', '.join(said)}; {self.n:,} queries, {self.m:,} answers"


def both_ways(
    left: Array, right: Array, left_kinds: Array, right_kinds: Array, names: tuple[str, str]
) -> list[Retrieval]:
    """Return the retrieval from left to right and back, of features [n, d] of the same pairs."""
    first = _one_of_each(left, left_kinds)
    second = _one_of_each(right, right_kinds)
    paired = np.zeros((len(first[0]), len(second[0])), dtype=bool)
    paired[first[1], second[1]] = True
    return [
        retrieval(f"{names[0]} to {names[1]}", first[0], second[0], paired),
        retrieval(f"{names[1]} to {names[0]}", second[0], first[0], paired.T),
    ]


def retrieval(name: str, queries: Array, answers: Array, right: Array) -> Retrieval:
    """Return how often a right answer is found, and what drawing answers at random would find."""
    found, m = places(queries, answers, right), len(answers)
    depths = [k for k in DEPTHS if k == 1 or k < m]
    hits = {k: (found <= k).astype(np.float64) for k in depths}
    spans = {k: interval_of_mean(hit, share=True).bounds for k, hit in hits.items()}
    counts = right.sum(axis=1)
    chances = {k: float(np.mean([_chance(m, int(count), k) for count in counts])) for k in depths}
    means = {k: float(hit.mean()) for k, hit in hits.items()}
    return Retrieval(name, means, spans, chances, float(np.median(found)), len(queries), m)


def _chance(m: int, right: int, k: int) -> float:
    """Return the chance that k of m answers, drawn without replacement, hold one of the right ones."""
    missed = 1.0
    for drawn in range(min(k, m)):
        missed *= max(0, m - right - drawn) / (m - drawn)
    return 1 - missed


def _one_of_each(x: Array, kinds: Array) -> tuple[Array, Array]:
    _, first, inverse = np.unique(kinds, return_index=True, return_inverse=True)
    return x[first], inverse.ravel()
