"""Balanced distribution adaptation: marginals and classes brought together, each as far as it needs to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains
from headstart.shallow.features.kernel_map import alternate, need_classes, open_rows, penalised
from headstart.shallow.features.manifold_ridge import balance_factor
from headstart.shallow.features.mmd_matrix import aligned_directions, mean_differences

Array = np.ndarray


@dataclass(kw_only=True, eq=False, repr=False)
class BDA(DomainTransformer):
    """Balanced distribution adaptation.

    As `JDA`, with ``M = (1 - b) k M_0 + b sum_c M_c``, Frobenius norm 1: b = 0 is `TCA`, b = 1/2 `JDA`. With
    ``by_share`` (W-BDA) the difference of class c is ``sqrt(P_s(c)) mean_s - sqrt(P_t(c)) mean_t``, so that shares that
    differ between the domains pull less.

    Parameters
    ----------
    n_components, kernel, width, strength, normalise, landmarks, seed : as in `TCA`.
    balance : b, from 0 to 1; None to estimate it in every round, ``d_c / (d_c + d_m)`` of the proxy A-distances of the
        classes and of the whole domains.
    by_share : whether classes are weighted by their shares.
    n_iterations, classifier : as in `JDA`.

    Attributes
    ----------
    balance_ : of every round after the first. map_, pseudo_labels_, n_iter_, approximation_ : as in `JDA`.

    References
    ----------
    Wang, Chen, Hao, Feng and Shen, "Balanced Distribution Adaptation for Transfer Learning", ICDM 2017, section III.
    """

    sparse_input: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = True
    n_components: int = 20
    kernel: str = "primal"
    width: float | None = None
    strength: float = 1.0
    balance: float | None = None
    by_share: bool = False
    n_iterations: int = 10
    classifier: Any = None
    normalise: bool | None = None
    landmarks: int | None = None
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if self.balance is not None and not 0 <= self.balance <= 1:
            raise ValueError(f"balance is {self.balance}; expected a number from 0 to 1, or None to estimate it.")
        k, n, m = need_classes(domains, "BDA"), len(domains.labels), len(domains.target_labels)
        opened = open_rows(
            domains,
            self.kernel,
            width=self.width,
            landmarks=self.landmarks,
            normalise=self.normalise,
            seed=self.seed,
        )
        space = penalised(opened, self.kernel, self.strength)

        self.balance_: list[float] = []

        def learn(pseudo: Array | None, mapped: Array) -> Array:
            share = 0.5 if self.balance is None else float(self.balance)
            if self.balance is None and pseudo is not None:
                share = balance_factor(mapped[:n], domains.labels, mapped[n:], pseudo)
            if pseudo is not None:
                self.balance_.append(share)
            differences = mean_differences(domains.labels, pseudo, m, k, balance=share, by_share=self.by_share)
            return aligned_directions(space, differences, self.n_components)

        found = alternate(opened, domains, learn, classifier=self.classifier, n_iterations=self.n_iterations)
        self.pseudo_labels_, self.n_iter_ = found.pseudo, found.n_rounds
        (self.map_,) = opened.closed(found.directions)
        self.approximation_ = opened.basis.approximation

    def _map(self, rows: Any, is_source: bool) -> Array:
        return self.map_(rows)
