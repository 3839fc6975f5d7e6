"""Aligned-MTL: gradients made orthogonal and of one length before they are averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.deep.tasks_together import GradientWeighting
from headstart.functional.aggregation import aligned


@dataclass(kw_only=True)
class AlignedMTL(GradientWeighting):
    """``w = s V S^{-1} V^T 1 / t`` of ``G G^T = V S^2 V^T``, s the least singular value: directions of one length.

    G [t, p] are the gradients of the stages; the head learns from each task's own loss. It is not linear in the batch,
    which is therefore not cut.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Senushkin et al., "Independent Component Alignment for Multi-Task Learning", CVPR 2023, equation 9.
    """

    def weigh(self, gram: np.ndarray) -> np.ndarray:
        return aligned(gram)
