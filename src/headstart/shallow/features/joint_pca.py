"""Principal axes of both domains together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headstart.functional.spectral import principal_axes
from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains, stack

Array = np.ndarray


@dataclass(kw_only=True, eq=False, repr=False)
class JointPCA(DomainTransformer):
    """Joint PCA: both domains on the principal axes of their pooled rows, ``(x - m) P``.

    Parameters
    ----------
    n_components : number of axes, at most the rank of the pooled rows.
    seed : of the leading axes, where rows and features are both many.

    Attributes
    ----------
    axes_ : `Axes` of the pooled rows. approximation_ : "exact" or "subspace iteration".

    References
    ----------
    Pan, Tsang, Kwok and Yang, "Domain Adaptation via Transfer Component Analysis", IEEE Transactions on Neural
    Networks 2011 (as the baseline); Pearson, "On Lines and Planes of Closest Fit", 1901.
    """

    label_free: ClassVar[bool] = True
    sparse_input: ClassVar[bool] = True
    n_components: int = 20
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        if self.n_components < 1:
            raise ValueError(f"n_components is {self.n_components!r}; expected a number of axes from 1 up.")
        self.axes_ = principal_axes(stack(domains.source, domains.target), self.n_components, seed=self.seed)
        self.approximation_ = "exact" if self.axes_.exact else "subspace iteration"

    def _map(self, rows: Any, is_source: bool) -> Array:
        return self.axes_.project(rows)
