"""Principal axes of the source, linear or in a kernel's space, carried to the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.functional.kernels import KernelBasis, kernel_basis
from headstart.functional.spectral import Axes, principal_axes
from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains

Array = np.ndarray


@dataclass(kw_only=True, eq=False, repr=False)
class TransferredPCA(DomainTransformer):
    """PCA or kernel PCA of the source's rows, on which the target's rows are laid.

    ``(z(x) - m) P`` with P the principal axes of the source's ``z(x)``; z is the identity, or coordinates in which a
    kernel is a plain product (through landmarks above 1,500 rows).

    Parameters
    ----------
    n_components : number of axes, at most the source's rank.
    kernel : "linear", "rbf" or "laplacian". width : of the kernel; None for the source's median distance.
    landmarks : rows that stand for all of them in a kernel; None for all up to 1,500 rows and 1,000 above.
    recentre : whether target rows are centred at the target's mean instead of the source's.
    whiten : whether each axis is scaled to variance 1 on the source.
    seed : of landmarks and leading axes.

    Attributes
    ----------
    axes_ : `Axes` of the source. approximation_ : "exact", or what was approximated.

    References
    ----------
    Schoelkopf, Smola and Mueller, "Nonlinear Component Analysis as a Kernel Eigenvalue Problem", Neural Computation
    1998; Williams and Seeger, "Using the Nystroem Method to Speed Up Kernel Machines", NIPS 2000; Raina, Battle, Lee,
    Packer and Ng, "Self-taught Learning", ICML 2007 (PCA as its baseline).
    """

    sparse_input: ClassVar[bool] = True
    n_components: int = 20
    kernel: str = "linear"
    width: float | None = None
    landmarks: int | None = None
    recentre: bool = True
    whiten: bool = False
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if self.n_components < 1:
            raise ValueError(f"n_components is {self.n_components!r}; expected a number of axes from 1 up.")
        self.basis_: KernelBasis | None = None
        if self.kernel != "linear":
            self.basis_ = kernel_basis(
                domains.source, self.kernel, width=self.width, landmarks=self.landmarks, seed=self.seed
            )
        self.axes_: Axes = principal_axes(self._coordinates(domains.source), self.n_components, seed=self.seed)
        target = self._coordinates(domains.target)
        self.target_mean_ = np.asarray(target.mean(axis=0)).ravel() if self.recentre else self.axes_.mean
        exact = "exact" if self.axes_.exact else "subspace iteration"
        self.approximation_ = exact if self.basis_ is None else self.basis_.approximation

    def _coordinates(self, rows: Any) -> Any:
        return rows if self.basis_ is None else self.basis_(rows)

    def _map(self, rows: Any, is_source: bool) -> Array:
        axes = self.axes_ if is_source else self.axes_._replace(mean=self.target_mean_)
        out = axes.project(self._coordinates(rows))
        return out / np.sqrt(axes.variances) if self.whiten else out
