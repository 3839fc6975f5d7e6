"""Each domain by its own mean and spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize

from headstart.functional.scale import location_scale
from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains

Array = np.ndarray
NORMS = ("l1", "l2", "max")


@dataclass(kw_only=True, eq=False, repr=False)
class DomainStandardizer(DomainTransformer):
    """Z-scores of each domain by its own statistics, ``(x - m_d) / s_d``: removes a shift of location and scale.

    Parameters
    ----------
    normalise : None, or "l1", "l2" or "max" to bring each row to norm 1 before.
    centre : whether the mean is taken off; without it sparse rows stay sparse.

    Attributes
    ----------
    source_, target_ : (mean [d], standard deviation [d]).

    References
    ----------
    Gong, Shi, Sha and Grauman, "Geodesic Flow Kernel for Unsupervised Domain Adaptation", CVPR 2012, section 4.1
    (as preprocessing); Li et al., "Revisiting Batch Normalization for Practical Domain Adaptation", ICLR Workshop
    2017 (the same on a network's features).
    """

    label_free: ClassVar[bool] = True
    sparse_input: ClassVar[bool] = True
    normalise: str | None = None
    centre: bool = True

    def _learn(self, domains: Domains) -> None:
        if self.normalise is not None and self.normalise not in NORMS:
            raise ValueError(f"normalise is {self.normalise!r}; expected None, 'l1', 'l2' or 'max'.")
        self.source_, self.target_ = (location_scale(self._normed(rows)) for rows in (domains.source, domains.target))

    def _normed(self, rows: Any) -> Any:
        return rows if self.normalise is None else normalize(rows, norm=self.normalise)

    def _map(self, rows: Any, is_source: bool) -> Any:
        mean, spread = self.source_ if is_source else self.target_
        rows = self._normed(rows)
        if sparse.issparse(rows):
            if not self.centre:
                return sparse.csr_matrix(rows @ sparse.diags_array(1 / spread))
            rows = rows.toarray()
        return (rows - mean) / spread if self.centre else rows / spread
