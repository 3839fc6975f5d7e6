"""PCGrad: a task gives up the part of its gradient that points against another task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from headstart.deep.tasks_together import GradientWeighting
from headstart.functional.aggregation import projected_conflicts


@dataclass(kw_only=True)
class PCGrad(GradientWeighting):
    """``g_i <- g_i - min(0, g_i . g_j) / |g_j|^2 g_j`` over tasks j in a random order; then their mean.

    g_i [p] are the gradients of the stages; the head learns from each task's own loss. It is not linear in the batch,
    which is therefore not cut.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Yu et al., "Gradient Surgery for Multi-Task Learning", NeurIPS 2020, algorithm 1.
    """

    def weigh(self, gram: np.ndarray) -> np.ndarray:
        return projected_conflicts(gram, np.random.default_rng(int(torch.randint(2**31, ()))))
