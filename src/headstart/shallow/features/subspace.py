"""Subspace alignment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.functional.spectral import Axes, principal_axes
from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains

Array = np.ndarray


def align_subspaces(source: Axes, target: Axes) -> Array:
    """Return ``P_s' P_t`` [q, q], which brings coordinates on the source's axes to the target's.

    It minimises ``||P_s M - P_t||_F`` over M.

    References
    ----------
    Fernando, Habrard, Sebban and Tuytelaars, "Unsupervised Visual Domain Adaptation Using Subspace Alignment",
    ICCV 2013, equations 1 to 3.
    """
    return source.axes.T @ target.axes


@dataclass(kw_only=True, eq=False, repr=False)
class SubspaceAlignment(DomainTransformer):
    """Subspace alignment: each domain on its own principal axes, the source's turned towards the target's.

    Source rows become ``(x - m_s) P_s P_s' P_t`` and target rows ``(x - m_t) P_t``.

    Parameters
    ----------
    n_components : number of axes; at most what either domain has.
    seed : of the leading axes, where rows and features are both many.

    Attributes
    ----------
    source_, target_ : `Axes` of each domain. alignment_ : [q, q]. approximation_ : "exact" or "subspace iteration".

    References
    ----------
    Fernando, Habrard, Sebban and Tuytelaars, "Unsupervised Visual Domain Adaptation Using Subspace Alignment",
    ICCV 2013.
    """

    label_free: ClassVar[bool] = True
    sparse_input: ClassVar[bool] = True
    n_components: int = 20
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if self.n_components < 1:
            raise ValueError(f"n_components is {self.n_components!r}; expected a number of axes from 1 up.")
        self.source_ = principal_axes(domains.source, self.n_components, seed=self.seed)
        self.target_ = principal_axes(domains.target, self.n_components, seed=self.seed)
        self.alignment_ = align_subspaces(self.source_, self.target_)
        exact = self.source_.exact and self.target_.exact
        self.approximation_ = "exact" if exact else "subspace iteration"

    def _map(self, rows: Any, is_source: bool) -> Array:
        return self.source_.project(rows) @ self.alignment_ if is_source else self.target_.project(rows)
