"""Transfer component analysis: the directions of most variance on which the domains' means agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains
from headstart.shallow.features.kernel_map import open_rows, penalised
from headstart.shallow.features.mmd_matrix import aligned_directions, mean_differences

Array = np.ndarray


@dataclass(kw_only=True, eq=False, repr=False)
class TCA(DomainTransformer):
    """Transfer component analysis.

    ``max_P tr((P' (Z' M Z + strength R) P)^-1 P' Z' H Z P)`` over maps P of q columns, with Z the rows of both domains
    in a kernel's coordinates, H centring them, and ``M = e e'`` the marginals' MMD. R is the identity for the "primal"
    kernel (a linear kernel with ``||P||^2`` penalised), and penalises the rows' dual coefficients for a kernel's name,
    as in the paper. Solved in r x r with r the features or landmarks, never in n + m squared.

    Parameters
    ----------
    n_components : q, at most the kernel's rank.
    kernel : "primal", "linear", "rbf" or "laplacian". width : of the kernel; None for the rows' median distance.
    strength : of the penalty (the paper's mu, the field's lambda).
    normalise : whether rows are brought to unit length before and after; None where they have more than 10 numbers.
    landmarks : rows that span the kernel's space; None for all up to 1,500 rows of both domains and 1,000 above.
    seed : of the landmarks' draw.

    Attributes
    ----------
    map_ : `KernelMap`, for rows of either domain. approximation_ : "exact", or "nystroem, ...".

    References
    ----------
    Pan, Tsang, Kwok and Yang, "Domain Adaptation via Transfer Component Analysis", IEEE Transactions on Neural Networks
    2011, section III.
    """

    label_free: ClassVar[bool] = True
    sparse_input: ClassVar[bool] = True
    n_components: int = 20
    kernel: str = "primal"
    width: float | None = None
    strength: float = 1.0
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
        n, m = domains.source.shape[0], domains.target.shape[0]
        space = penalised(opened, self.kernel, self.strength)
        differences = mean_differences(np.zeros(n, dtype=np.int64), None, m, 1)
        (self.map_,) = opened.closed(aligned_directions(space, differences, self.n_components))
        self.approximation_ = opened.basis.approximation

    def _map(self, rows: Any, is_source: bool) -> Array:
        return self.map_(rows)
