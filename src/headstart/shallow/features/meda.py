"""Manifold embedded distribution alignment: a classifier on geodesic features, aligned as far as each part needs it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.functional.geodesic import geodesic_flow_factor
from headstart.functional.kernels import kernel_basis, unit_rows
from headstart.functional.spectral import principal_axes
from headstart.shallow.domains import Domains
from headstart.shallow.features.kernel_map import pseudo_labels
from headstart.shallow.features.manifold_ridge import (
    Strengths,
    aligned_ridge,
    balance_factor,
    nearest_probabilities,
    neighbour_laplacian,
)
from headstart.shallow.predictors import DomainClassifier

Array = np.ndarray


def leading_directions(rows: Any, count: int) -> Array:
    """Return the ``count`` leading principal axes [d, q] of rows, found exactly; none where all rows are alike."""
    try:
        return principal_axes(rows, count, limit=sys.maxsize).axes
    except ValueError:
        return np.zeros((rows.shape[1], 0))


def manifold_factor(source: Any, target: Any, dimension: int) -> Array:
    """Return [d, 2 q] whose product with rows gives their geodesic flow features; q is ``dimension`` at most."""
    first, second = (leading_directions(rows, dimension) for rows in (source, target))
    q = min(dimension, first.shape[1], second.shape[1])
    if q == 0:
        return np.eye(source.shape[1])
    return geodesic_flow_factor(first[:, :q], second[:, :q])


@dataclass(kw_only=True, eq=False, repr=False)
class MEDA(DomainClassifier):
    """Manifold embedded distribution alignment.

    Rows x become ``G^(1/2) x`` with G the geodesic flow kernel of both domains' leading principal axes, at unit length.
    There, in a Gaussian kernel's space,
    ``min_f sum_labelled ||y_i - f(x_i)||^2 + ridge ||f||^2 + alignment tr(F' ((1 - b) k M_0 + b sum_c M_c) F)
    + smoothness tr(F' L F)``,
    M of Frobenius norm 1, L the Laplacian of the neighbours' graph, and b the balance factor, estimated anew in each
    round from how well domains and classes can be told apart. Pseudo-labels start at the nearest neighbour's.

    Parameters
    ----------
    dimension : of the subspaces whose geodesic is taken (the paper's d).
    ridge, alignment, smoothness : the paper's eta, lambda and rho.
    n_neighbors : of the graph (p). n_iterations : at most (T).
    balance : share of the classes' alignment, from 0 to 1; None to estimate it.
    classifier : gives the first pseudo-labels; None for the nearest neighbour.
    landmarks : rows that span the kernel's space; None for all up to 1,500 rows of both domains and 1,000 above.
    seed : of the landmarks' draw.

    Attributes
    ----------
    balance_ : of every round. pseudo_labels_ : [m] class numbers. approximation_ : "exact", or "nystroem, ...".

    Notes
    -----
    Probabilities are the points of the simplex nearest to the least-squares scores: their order is the method's, their
    size is no calibrated frequency.

    References
    ----------
    Wang, Feng, Chen, Yu, Huang and Yu, "Visual Domain Adaptation with Manifold Embedded Distribution Alignment", ACM
    Multimedia 2018, sections 3.2 to 3.4.
    """

    sparse_input: ClassVar[bool] = True
    dimension: int = 20
    ridge: float = 0.1
    alignment: float = 10.0
    smoothness: float = 1.0
    n_neighbors: int = 10
    n_iterations: int = 10
    balance: float | None = None
    classifier: Any = None
    landmarks: int | None = None
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        self.factor_ = manifold_factor(domains.source, domains.target, self.dimension)
        source, target = self._features(domains.source), self._features(domains.target)
        rows = np.concatenate([source, target])
        self.basis_ = kernel_basis(rows, "rbf", width=1.0, landmarks=self.landmarks, seed=self.seed)

        def share(pseudo: Array) -> float:
            return balance_factor(source, domains.labels, target, pseudo) if self.balance is None else self.balance

        self.weights_, self.pseudo_labels_, self.balance_ = aligned_ridge(
            self.basis_(rows),
            neighbour_laplacian(rows, self.n_neighbors) if self.smoothness > 0 else None,
            domains,
            len(self.classes_),
            Strengths(self.ridge, self.alignment, self.smoothness),
            pseudo=pseudo_labels(self.classifier, source, target, domains),
            n_iterations=self.n_iterations,
            balance=share,
        )
        self.approximation_ = self.basis_.approximation

    def _features(self, rows: Any) -> Array:
        return unit_rows(np.asarray(rows @ self.factor_))

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        return nearest_probabilities(self.basis_(self._features(rows)) @ self.weights_)
