"""Joint distribution adaptation: marginals and classes brought together, the target's classes by pseudo-labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains
from headstart.shallow.features.kernel_map import alternate, need_classes, open_rows, penalised
from headstart.shallow.features.mmd_matrix import aligned_directions, mean_differences

Array = np.ndarray


@dataclass(kw_only=True, eq=False, repr=False)
class JDA(DomainTransformer):
    """Joint distribution adaptation.

    ``max_P tr((P' (Z' (k M_0 + sum_c M_c) Z + strength R) P)^-1 P' Z' H Z P)``: `TCA` with the MMD of every class
    beside that of the whole. The target's classes are pseudo-labels: the classifier, fitted on the mapped source,
    labels the mapped target, the map is learned anew, and so on until nothing changes. Labels of target rows that are
    given are kept. ``M_0`` counts k times (k classes) and the sum has Frobenius norm 1, as in the authors' experiments.

    Parameters
    ----------
    n_components, kernel, width, strength, normalise, landmarks, seed : as in `TCA`.
    n_iterations : at most.
    classifier : gives the pseudo-labels; None for the nearest neighbour, the paper's.

    Attributes
    ----------
    map_ : `KernelMap`, for rows of either domain. pseudo_labels_ : [m] class numbers at the last map.
    n_iter_ : maps learned. approximation_ : "exact", or "nystroem, ...".

    References
    ----------
    Long, Wang, Ding, Sun and Yu, "Transfer Feature Learning with Joint Distribution Adaptation", ICCV 2013, section 3.
    """

    sparse_input: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = True
    n_components: int = 20
    kernel: str = "primal"
    width: float | None = None
    strength: float = 1.0
    n_iterations: int = 10
    classifier: Any = None
    normalise: bool | None = None
    landmarks: int | None = None
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        k, m = need_classes(domains, "JDA"), len(domains.target_labels)
        opened = open_rows(
            domains,
            self.kernel,
            width=self.width,
            landmarks=self.landmarks,
            normalise=self.normalise,
            seed=self.seed,
        )
        space = penalised(opened, self.kernel, self.strength)

        def learn(pseudo: Array | None, mapped: Array) -> Array:
            return aligned_directions(space, mean_differences(domains.labels, pseudo, m, k), self.n_components)

        found = alternate(opened, domains, learn, classifier=self.classifier, n_iterations=self.n_iterations)
        self.pseudo_labels_, self.n_iter_ = found.pseudo, found.n_rounds
        (self.map_,) = opened.closed(found.directions)
        self.approximation_ = opened.basis.approximation

    def _map(self, rows: Any, is_source: bool) -> Array:
        return self.map_(rows)
