"""What is said of an embedding: error rates of pairs and recognition from one picture, with intervals over people."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.functional.verification import (
    Pairs,
    accepted,
    equal_error_rate,
    pairs,
    recognised,
    similarities,
    threshold_at,
    true_accepts,
)

Array = np.ndarray
FALSE_ACCEPTS = 0.01
"""Of impostors, at which the threshold of a run is set."""
REPORTED = (1e-2, 1e-3)
ROUNDS = 200


def threshold_of(vectors: Array, people: Array) -> float:
    """Return the similarity at which at most 1% of the impostors among these people are accepted."""
    return threshold_at(pairs(similarities(vectors), people), FALSE_ACCEPTS)


def too_loose(far: dict[str, Any], people: int) -> list[str]:
    """Say where the threshold accepts measurably more strangers than it was set for.

    Parameters
    ----------
    far : value and interval on people that it was not set on. people : how many set it.
    """
    if far["interval"][0] <= FALSE_ACCEPTS:
        return []
    return [
        f"The threshold was set for accepting {FALSE_ACCEPTS:.0%} of strangers by {people} people, and accepts "
        f"{far['value']:.1%} among the people that are measured: do not rely on it; give more people to set it by."
    ]


def scores_per_person(vectors: Array, people: Array, seed: int) -> Array:
    """Return how often each person is recognised from one enrolled picture, [1, people]."""
    return recognised(similarities(vectors), people, seed=seed)[None]


def figures(vectors: Array, people: Array, threshold: float, seed: int) -> dict[str, Any]:
    """Return error rates with 95% intervals by a bootstrap that draws people, never pairs."""
    similar, rng = similarities(vectors), np.random.default_rng(seed)
    members = [np.flatnonzero(people == person) for person in np.unique(people)]
    drawn = [_rates(_resampled(similar, members, rng), threshold) for _ in range(ROUNDS)]
    found = _rates(pairs(similar, people), threshold)
    low, high = np.quantile([list(one.values()) for one in drawn], [0.025, 0.975], axis=0)
    told = {
        name: {"value": value, "interval": [min(float(a), value), max(float(b), value)]}
        for (name, value), a, b in zip(found.items(), low, high, strict=True)
    }
    whole = pairs(similar, people)
    return told | {"genuine": len(whole.genuine), "impostors": len(whole.impostor), "people": len(members)}


def _resampled(similar: Array, members: list[Array], rng: np.random.Generator) -> Pairs:
    """Return the pairs of people drawn with replacement: someone drawn twice is two people, but no pair of the two."""
    chosen = rng.integers(len(members), size=len(members))
    rows = np.concatenate([members[one] for one in chosen])
    who = np.repeat(chosen, [len(members[one]) for one in chosen])
    drawn = np.repeat(np.arange(len(chosen)), [len(members[one]) for one in chosen])
    first, second = np.triu_indices(len(rows), 1)
    same = drawn[first] == drawn[second]
    other = who[first] != who[second]
    found = similar[rows[first], rows[second]]
    if not other.any():  # everyone drawn is one person
        other = ~same
    return Pairs(found[same], found[other])


def _rates(found: Pairs, threshold: float) -> dict[str, float]:
    rates = {"eer": equal_error_rate(found)}
    rates |= {f"tar_at_far_{far:g}": true_accepts(found, far) for far in REPORTED}
    right, wrong = accepted(found, threshold)
    return rates | {"tar": right, "far": wrong}
