"""The geodesic flow kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.functional.geodesic import geodesic_flow_factor
from headstart.functional.spectral import principal_axes
from headstart.functional.subspaces import subspace_disagreement
from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains, stack

Array = np.ndarray


def geodesic_root(source_axes: Array, target_axes: Array) -> tuple[Array, Array]:
    """Return basis B [d, r] and scales s [r] with ``B diag(s) B' = G^{1/2}``, G being the geodesic flow kernel.

    Parameters
    ----------
    source_axes, target_axes : [d, q] each, orthonormal columns.

    References
    ----------
    Gong, Shi, Sha and Grauman, "Geodesic Flow Kernel for Unsupervised Domain Adaptation", CVPR 2012, equation 6.
    """
    basis, scales, _ = np.linalg.svd(geodesic_flow_factor(source_axes, target_axes), full_matrices=False)
    keep = scales > 1e-10
    return basis[:, keep], scales[keep]


@dataclass(kw_only=True, eq=False, repr=False)
class GFK(DomainTransformer):
    """Geodesic flow kernel: rows times the square root of G, the kernel of all subspaces between the two domains'.

    Products of mapped rows are ``(x - m) G (x' - m')'``; each domain is centred at its own mean m.

    Parameters
    ----------
    n_components : axes of each domain (the paper's at most d / 2); None for the number up to which the domains'
        subspaces agree (`subspace_disagreement`).
    seed : of the leading axes, where rows and features are both many.

    Attributes
    ----------
    basis_ [d, r], scales_ [r] : of the square root of G. n_components_ : axes that were used.
    approximation_ : "exact" or "subspace iteration".

    References
    ----------
    Gong, Shi, Sha and Grauman, "Geodesic Flow Kernel for Unsupervised Domain Adaptation", CVPR 2012.
    """

    label_free: ClassVar[bool] = True
    sparse_input: ClassVar[bool] = True
    n_components: int | None = 20
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if self.n_components is not None and self.n_components < 1:
            raise ValueError(f"n_components is {self.n_components!r}; expected a number of axes from 1 up, or None.")
        wanted = min(domains.source.shape[1], 100) if self.n_components is None else self.n_components
        source, target = (principal_axes(rows, wanted, seed=self.seed) for rows in (domains.source, domains.target))
        self.n_components_ = min(len(source.variances), len(target.variances))
        if self.n_components is None:
            pooled = principal_axes(stack(domains.source, domains.target), wanted, seed=self.seed)
            apart = subspace_disagreement(source.axes, target.axes, pooled.axes) > 0.99
            self.n_components_ = max(int(apart.argmax()), 1) if apart.any() else len(apart)
        k = self.n_components_
        self.means_ = source.mean, target.mean
        self.basis_, self.scales_ = geodesic_root(source.axes[:, :k], target.axes[:, :k])
        self.approximation_ = "exact" if source.exact and target.exact else "subspace iteration"

    def _map(self, rows: Any, is_source: bool) -> Array:
        mean = self.means_[0 if is_source else 1]
        seen = np.asarray(rows @ self.basis_) - mean @ self.basis_
        return (seen * self.scales_) @ self.basis_.T
