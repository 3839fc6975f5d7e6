"""IMTL-G: a step whose projection on every task's gradient is the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.deep.tasks_together import GradientWeighting
from headstart.functional.aggregation import equal_projections


@dataclass(kw_only=True)
class IMTL(GradientWeighting):
    """``(sum_i w_i g_i) . g_j / |g_j|`` equal for all tasks j, ``sum_i w_i = 1``.

    g_i [p] are the gradients of the stages; the head learns from each task's own loss. It is not linear in the batch,
    which is therefore not cut.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Liu et al., "Towards Impartial Multi-task Learning", ICLR 2021, equation 6.
    """

    def weigh(self, gram: np.ndarray) -> np.ndarray:
        return equal_projections(gram)
