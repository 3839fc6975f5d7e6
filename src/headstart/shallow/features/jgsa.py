"""Joint geometrical and statistical alignment: one map per domain, close to each other, close in distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains
from headstart.shallow.features.kernel_map import (
    need_classes,
    open_rows,
    pseudo_labels,
)
from headstart.shallow.features.mmd_matrix import leading_ratio, mean_differences

Array = np.ndarray


def class_scatters(rows: Array, labels: Array, n_classes: int) -> tuple[Array, Array]:
    """Return the scatter between and within classes, [r, r] each, of rows [n, r]."""
    members = np.eye(n_classes)[labels]
    sizes = members.sum(axis=0)
    means = (members.T @ rows) / np.maximum(sizes, 1)[:, None]
    apart = (means - rows.mean(axis=0)) * np.sqrt(sizes)[:, None]
    within = rows - means[labels]
    return apart.T @ apart, within.T @ within


def twin_root(within: Array, closeness: float, discrimination: float, variance: float) -> Array:
    """Return R [2 r, 2 r] with ``R R'`` the inverse of what both maps are charged beside the MMD.

    That is ``[[c I + s S_w, -c I], [-c I, (c + v) I]]`` with c the closeness, s the discrimination and v the variance's
    weight: on the eigenvectors of S_w, blocks of 2 x 2.
    """
    squares, axes = np.linalg.eigh(within)
    first = closeness + discrimination * np.maximum(squares, 0)
    last = closeness + variance
    # Cholesky factor of the inverse of [[first, -c], [-c, last]], from the bottom up
    determinant = first * last - closeness**2
    corner = np.sqrt(last / determinant)
    side = closeness / (determinant * corner)
    rest = np.full(len(axes), 1 / np.sqrt(last))
    return np.block([[axes * corner, np.zeros_like(axes)], [axes * side, axes * rest]])


@dataclass(kw_only=True, eq=False, repr=False)
class JGSA(DomainTransformer):
    """Joint geometrical and statistical alignment.

    Maps A of the source and B of the target maximise the target's variance and the source's between-class scatter,
    ``tr(W' diag(s S_b, v S_t) W)`` with ``W = [A; B]``, per
    ``MMD(A, B) + s tr(A' S_w A) + v ||B||^2 + c ||A - B||^2``, where the MMD is that of `JDA`, with pseudo-labels; its
    part for the whole domains, ``k M_0``, has Frobenius norm 1, as in the authors' experiments.

    Parameters
    ----------
    n_components, normalise, landmarks, seed : as in `TCA`.
    kernel : "linear", "rbf" or "laplacian". width : of the kernel; None for the rows' median distance.
    closeness, variance, discrimination : c, v and s (the paper's lambda, mu and beta).
    n_iterations, classifier : as in `JDA`; the first pseudo-labels are given on the unadapted rows.

    Attributes
    ----------
    source_map_, target_map_ : `KernelMap`. pseudo_labels_ : [m] class numbers. n_iter_ : maps learned.
    approximation_ : "exact", or "nystroem, ...".

    References
    ----------
    Zhang, Li and Ogunbona, "Joint Geometrical and Statistical Alignment for Visual Domain Adaptation", CVPR 2017,
    section 3, equation 12.
    """

    sparse_input: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = True
    n_components: int = 30
    kernel: str = "linear"
    width: float | None = None
    closeness: float = 1.0
    variance: float = 1.0
    discrimination: float = 0.1
    n_iterations: int = 10
    classifier: Any = None
    normalise: bool | None = None
    landmarks: int | None = None
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        k, n, m = need_classes(domains, "JGSA"), len(domains.labels), len(domains.target_labels)
        opened = open_rows(
            domains, self.kernel, width=self.width, landmarks=self.landmarks, normalise=self.normalise, seed=self.seed
        )
        source, target = opened.rows[:n], opened.rows[n:]
        between, within = class_scatters(source, domains.labels, k)
        centred = target - target.mean(axis=0)
        root = twin_root(within, self.closeness, self.discrimination, self.variance)
        upper, lower = root[: len(within)], root[len(within) :]
        gain = self.discrimination * upper.T @ between @ upper
        gain += self.variance * lower.T @ (centred.T @ centred) @ lower
        pseudo = pseudo_labels(self.classifier, source, target, domains)
        for step in range(max(1, self.n_iterations)):
            differences = mean_differences(domains.labels, pseudo, m, k)
            differences /= np.linalg.norm(differences[:, 0])
            columns = upper.T @ (source.T @ differences[:n]) + lower.T @ (target.T @ differences[n:])
            both = root @ leading_ratio(gain, columns, min(self.n_components, source.shape[1]))
            first, second = both[: len(within)], both[len(within) :]
            self.n_iter_, before = step + 1, pseudo
            pseudo = pseudo_labels(self.classifier, source @ first, target @ second, domains)
            if np.array_equal(pseudo, before):
                break
        self.pseudo_labels_ = pseudo
        self.source_map_, self.target_map_ = opened.closed(first, second)
        self.approximation_ = opened.basis.approximation

    def _map(self, rows: Any, is_source: bool) -> Array:
        return (self.source_map_ if is_source else self.target_map_)(rows)
