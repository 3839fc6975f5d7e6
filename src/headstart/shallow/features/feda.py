"""Feature augmentation: what is general and what is each domain's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from headstart.shallow.adaptation import DomainTransformer
from headstart.shallow.domains import Domains

Array = np.ndarray


def augment(rows: Any, is_source: bool) -> Any:
    """Return ``[x, x, 0]`` for source rows [n, d] and ``[x, 0, x]`` for target rows, [n, 3 d]; CSR stays CSR."""
    if sparse.issparse(rows):
        nothing = sparse.csr_matrix(rows.shape)
        blocks = [rows, rows, nothing] if is_source else [rows, nothing, rows]
        return sparse.csr_matrix(sparse.hstack(blocks))
    nothing = np.zeros_like(rows)
    return np.concatenate([rows, rows, nothing] if is_source else [rows, nothing, rows], axis=1)


@dataclass(kw_only=True, eq=False, repr=False)
class FeatureAugmentation(DomainTransformer):
    """FEDA: every feature three times, a general one, the source's and the target's.

    Source rows become ``[x, x, 0]`` and target rows ``[x, 0, x]``. A linear model on them learns ``w + v_s`` for the
    source and ``w + v_t`` for the target under one penalty. Target labels are needed for v_t to differ from 0: without
    them the model is a source model with its weights shrunk.

    References
    ----------
    Daume III, "Frustratingly Easy Domain Adaptation", ACL 2007, section 3.1.
    """

    sparse_input: ClassVar[bool] = True

    def _learn(self, domains: Domains) -> None:
        self.n_source_, self.n_target_ = domains.source.shape[0], domains.target.shape[0]

    def _map(self, rows: Any, is_source: bool) -> Any:
        return augment(rows, is_source)
