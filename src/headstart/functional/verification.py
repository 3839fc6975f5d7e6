"""Are these two the same? Error rates of pairs, and recognition of people from one picture of each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_curve

Array = np.ndarray


class Pairs(NamedTuple):
    """Similarities of all pairs of samples: ``genuine`` of one person, ``impostor`` of two."""

    genuine: Array
    impostor: Array


def unit(vectors: Array) -> Array:
    """Return rows [n, d] at length 1; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)


def similarities(vectors: Array) -> Array:
    """Return the cosine of every two rows, [n, n]."""
    turned = unit(np.asarray(vectors, dtype=np.float64))
    return turned @ turned.T


def pairs(similar: Array, people: Array) -> Pairs:
    """Split the similarities [n, n] of every two samples by whether the person is the same."""
    first, second = np.triu_indices(len(people), 1)
    same, found = people[first] == people[second], similar[first, second]
    return Pairs(found[same], found[~same])


def equal_error_rate(found: Pairs) -> float:
    """Return the rate at which as many impostors are accepted as genuine pairs refused.

    The threshold falls through the similarities; between the two points where false accepts overtake false refusals
    both rates are taken to run straight.

    Examples
    --------
    >>> equal_error_rate(Pairs(np.array([0.9, 0.8]), np.array([0.1, 0.2])))
    0.0
    >>> equal_error_rate(Pairs(np.array([0.9, 0.1]), np.array([0.8, 0.2])))
    0.5
    """
    accepted, kept, _ = _curve(found)
    refused = 1 - kept
    after = int(np.argmax(accepted >= refused))
    if after == 0:
        return float(accepted[0])
    gap = refused - accepted
    share = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(accepted[after - 1] + share * (accepted[after] - accepted[after - 1]))


def threshold_at(found: Pairs, false_accepts: float) -> float:
    """Return the lowest similarity to ask for at which at most this share of impostors is accepted."""
    allowed = int(np.floor(false_accepts * len(found.impostor)))
    highest = np.sort(found.impostor)[::-1]
    if allowed >= len(highest):
        return -1.0
    return float(np.nextafter(highest[allowed], np.inf))


def accepted(found: Pairs, threshold: float) -> tuple[float, float]:
    """Return the share of genuine pairs (TAR) and of impostors (FAR) whose similarity is not below a threshold."""
    return float((found.genuine >= threshold).mean()), float((found.impostor >= threshold).mean())


def true_accepts(found: Pairs, false_accepts: float) -> float:
    """Return TAR at FAR: the share of genuine pairs accepted where ``false_accepts`` of the impostors are."""
    return accepted(found, threshold_at(found, false_accepts))[0]


def _curve(found: Pairs) -> tuple[Array, Array, Array]:
    labels = np.repeat([1, 0], [len(found.genuine), len(found.impostor)])
    return roc_curve(labels, np.concatenate(found), drop_intermediate=False)


def recognised(similar: Array, people: Array, *, draws: int = 20, seed: int = 0) -> Array:
    """Return how often each person is recognised from one enrolled picture, [people in ascending order].

    A draw enrols one picture of each person; every other picture goes to the most similar enrolled one. The share of
    a person's pictures that go to the right one is averaged over draws.

    Parameters
    ----------
    similar : [n, n]. people : [n], each with two pictures at least. draws : of the enrolled pictures.
    """
    rng, known = np.random.default_rng(seed), np.unique(people)
    members = [np.flatnonzero(people == person) for person in known]
    found = np.zeros(len(known))
    for _ in range(draws):
        enrolled = np.array([rng.choice(rows) for rows in members])
        said = known[similar[:, enrolled].argmax(axis=1)]
        right = (said == people).astype(np.float64)
        right[enrolled] = np.nan
        found += [np.nanmean(right[rows]) for rows in members]
    return found / draws
