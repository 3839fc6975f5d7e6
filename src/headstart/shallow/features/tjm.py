"""Transfer joint matching: domains' means brought together while source rows that do not fit are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains
from headstart.shallow.features.kernel_map import open_rows
from headstart.shallow.features.mmd_matrix import (
    Space,
    aligned_directions,
    mean_differences,
    penalised_coefficients,
)

Array = np.ndarray


def row_lengths(space: Space, directions: Array, weights: Array) -> Array:
    """Return ``||a_i||`` [N] of the coefficients of least penalty ``sum_i w_i ||a_i||^2`` that give ``directions``."""
    scales = (space.root**2).sum(axis=0)
    usable = scales > scales.max(initial=0.0) * 1e-12
    root, scales = space.root[:, usable], scales[usable]
    inner = (root / scales**2) @ (root.T @ directions)
    return np.linalg.norm(space.rows @ inner, axis=1) / weights


@dataclass(kw_only=True, eq=False, repr=False)
class TJM(DomainTransformer):
    """Transfer joint matching.

    ``min_A tr(A' K M_0 K A) + strength (sum_source ||a_i|| + sum_target ||a_j||^2)`` with ``A' K H K A = I``: `TCA` on
    the rows' coefficients A, whose sum of lengths over the source lets rows that do not help the match drop out. Solved
    by rounds with ``g_i = 1 / (2 ||a_i||)`` for source rows and 1 for target rows in ``strength tr(A' G A)``. Labels
    are not used.

    Parameters
    ----------
    n_components, kernel, width, strength, normalise, landmarks, seed : as in `TCA`; the kernel is "linear", "rbf" or
        "laplacian".
    n_iterations : rounds at most.
    tolerance : relative change of the penalty's source part at which rounds end.

    Attributes
    ----------
    map_ : `KernelMap`, for rows of either domain. source_weights_ : [n], ``||a_i||`` of the source rows, mean 1.
    n_iter_ : rounds. approximation_ : "exact", or "nystroem, ...".

    References
    ----------
    Long, Wang, Ding, Sun and Yu, "Transfer Joint Matching for Unsupervised Domain Adaptation", CVPR 2014, section 3.
    """

    label_free: ClassVar[bool] = True
    sparse_input: ClassVar[bool] = True
    n_components: int = 20
    kernel: str = "linear"
    width: float | None = None
    strength: float = 1.0
    n_iterations: int = 10
    tolerance: float = 1e-4
    normalise: bool | None = None
    landmarks: int | None = None
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if self.kernel == "primal":
            raise ValueError(
                "kernel is 'primal', which has no coefficients per row; expected linear, rbf or laplacian."
            )
        opened = open_rows(
            domains,
            self.kernel,
            width=self.width,
            landmarks=self.landmarks,
            normalise=self.normalise,
            seed=self.seed,
        )
        n, m = domains.source.shape[0], domains.target.shape[0]
        differences = mean_differences(np.zeros(n, dtype=np.int64), None, m, 1)
        weights, before, directions = np.ones(n + m), np.inf, np.empty((0, 0))
        for step in range(max(1, self.n_iterations)):
            space = penalised_coefficients(opened.rows, self.strength, weights)
            directions = aligned_directions(space, differences, self.n_components)
            lengths = row_lengths(space, directions, weights) / self.strength
            self.n_iter_, total = step + 1, lengths[:n].sum()
            weights[:n] = 1 / (2 * np.maximum(lengths[:n], 1e-6 * max(lengths[:n].mean(), 1e-12)))
            if abs(before - total) <= self.tolerance * total:
                break
            before = total
        self.source_weights_ = lengths[:n] / max(lengths[:n].mean(), 1e-300)
        (self.map_,) = opened.closed(directions)
        self.approximation_ = opened.basis.approximation

    def _map(self, rows: Any, is_source: bool) -> Array:
        return self.map_(rows)
