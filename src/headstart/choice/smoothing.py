"""Smoothing of answers over the target's own neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from headstart.choice.candidates import Candidate
from headstart.choice.racing import AdaptationData, Result, validate

Array = np.ndarray


@dataclass(frozen=True)
class Smoothed:
    """Another model's answers, spread over the target rows that learned them.

    Parameters
    ----------
    model : with ``answer(rows, data)``. spread : [m, k], the answers of the target rows after spreading.
    share : of a row's answer that its neighbours give. n_neighbors : how many.
    """

    model: Any
    spread: Array
    share: float
    n_neighbors: int

    def answer(self, rows: Any, data: AdaptationData, *, is_source: bool = False) -> Array:
        """Return probabilities: a row of the race is looked up, a new one asks its nearest target rows."""
        own = self.model.answer(rows, data, is_source=is_source)
        search = NearestNeighbors(n_neighbors=min(self.n_neighbors, len(self.spread))).fit(directions(data.low_target))
        distance, number = search.kneighbors(directions(data.axes.of(rows)))
        near = self.spread[number].mean(axis=1)
        found = self.share * near + (1 - self.share) * own
        same = distance[:, 0] < 1e-7
        found[same] = self.spread[number[same, 0]]
        return found


def directions(rows: Array) -> Array:
    """Return rows of length 1, so that near means near in angle."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)


def spread(rows: Array, answers: Array, *, share: float = 0.5, n_neighbors: int = 5, n_iterations: int = 30) -> Array:
    """Return probabilities [m, k] after ``F <- share S F + (1 - share) answers``.

    S is the symmetrically normalised graph of nearest neighbours in angle, ``w_ij = exp(-(d_ij / median d)^2)``.

    Parameters
    ----------
    rows : [m, d]. share : from 0 (nothing moves) to 1.

    References
    ----------
    Zhou, Bousquet, Lal, Weston and Schoelkopf, "Learning with Local and Global Consistency", NeurIPS 2003, section 2.
    """
    near = min(n_neighbors + 1, len(rows))
    if near < 3:
        return answers.copy()
    distance, number = NearestNeighbors(n_neighbors=near).fit(directions(rows)).kneighbors(directions(rows))
    middle = float(np.median(distance[:, 1:])) or 1.0
    weights = np.exp(-((distance[:, 1:] / middle) ** 2)).ravel()
    where = (np.repeat(np.arange(len(rows)), near - 1), number[:, 1:].ravel())
    graph = sparse.csr_matrix((weights, where), shape=(len(rows), len(rows)))
    graph = sparse.csr_matrix(graph.maximum(graph.T))
    degree = np.asarray(graph.sum(axis=1)).ravel()
    scale = sparse.diags_array(1 / np.sqrt(np.maximum(degree, 1e-12)))
    step = sparse.csr_matrix(scale @ graph @ scale)
    found = answers
    for _ in range(n_iterations):
        found = share * np.asarray(step @ found) + (1 - share) * answers
    return found / found.sum(axis=1, keepdims=True)


def smoothed(data: AdaptationData, blended: Result) -> Result:
    """Return the outcome of a blend whose answers are spread over the target, scored as any other candidate is."""
    near, share = 5, 0.5
    target = spread(data.low_target, np.asarray(blended.target), share=share, n_neighbors=near)
    model = Smoothed(blended.model, target, share, near)
    scores = validate(data, target, np.asarray(blended.held))
    return Result(Candidate("smoothed"), model, target, blended.held, scores, 0.0, "")
