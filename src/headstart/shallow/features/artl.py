"""Adaptation regularisation: a least-squares classifier aligned across domains and smooth along their neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.functional.kernels import unit_rows
from headstart.shallow.domains import Domains, stack
from headstart.shallow.features.kernel_map import open_rows, pseudo_labels
from headstart.shallow.features.manifold_ridge import (
    Strengths,
    aligned_ridge,
    nearest_probabilities,
    neighbour_laplacian,
)
from headstart.shallow.predictors import DomainClassifier

Array = np.ndarray


@dataclass(kw_only=True, eq=False, repr=False)
class ARTL(DomainClassifier):
    """Adaptation regularisation based transfer learning, with the squared loss (ARRLS).

    ``min_f sum_labelled ||y_i - f(x_i)||^2 + ridge ||f||^2 + alignment tr(F' M F) + smoothness tr(F' L F)`` over f in a
    kernel's space, with the MMD ``M = k M_0 + sum_c M_c`` (Frobenius norm 1) on pseudo-labels and L the Laplacian of
    the neighbours' graph.

    Parameters
    ----------
    kernel : "rbf", "linear" or "laplacian". width : of the kernel; None for the rows' median distance.
    ridge, alignment, smoothness : the paper's sigma, lambda and gamma.
    n_neighbors : of the graph. n_iterations : at most.
    classifier : gives the first pseudo-labels; None for the nearest neighbour.
    normalise, landmarks, seed : as in `TCA`.

    Attributes
    ----------
    pseudo_labels_ : [m] class numbers. approximation_ : "exact", or "nystroem, ...".

    Notes
    -----
    Probabilities are the points of the simplex nearest to the least-squares scores, no calibrated frequencies.

    References
    ----------
    Long, Wang, Ding, Pan and Yu, "Adaptation Regularization: A General Framework for Transfer Learning", IEEE
    Transactions on Knowledge and Data Engineering 2014, section 4.
    """

    sparse_input: ClassVar[bool] = True
    kernel: str = "rbf"
    width: float | None = None
    ridge: float = 0.1
    alignment: float = 10.0
    smoothness: float = 1.0
    n_neighbors: int = 10
    n_iterations: int = 10
    classifier: Any = None
    normalise: bool | None = None
    landmarks: int | None = None
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        opened = open_rows(
            domains,
            self.kernel,
            width=self.width,
            landmarks=self.landmarks,
            normalise=self.normalise,
            seed=self.seed,
        )
        n = len(domains.labels)
        self.basis_, self.unit_inputs_ = opened.basis, opened.unit_inputs
        self.weights_, self.pseudo_labels_, _ = aligned_ridge(
            opened.rows,
            neighbour_laplacian(stack(domains.source, domains.target), self.n_neighbors)
            if self.smoothness > 0
            else None,
            domains,
            len(self.classes_),
            Strengths(self.ridge, self.alignment, self.smoothness),
            pseudo=pseudo_labels(self.classifier, opened.rows[:n], opened.rows[n:], domains),
            n_iterations=self.n_iterations,
            balance=lambda pseudo: 0.5,
        )
        self.approximation_ = opened.basis.approximation

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        rows = unit_rows(rows) if self.unit_inputs_ else rows
        return nearest_probabilities(self.basis_(rows) @ self.weights_)
