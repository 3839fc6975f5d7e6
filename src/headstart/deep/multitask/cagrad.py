"""CAGrad: near the mean gradient, the step that helps the worst task most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.deep.tasks_together import GradientWeighting
from headstart.functional.aggregation import conflict_averse


@dataclass(kw_only=True)
class CAGrad(GradientWeighting):
    """``max_d min_i g_i . d`` with ``|d - g_0| <= c |g_0|``, g_0 [p] the mean gradient.

    g_i [p] are the gradients of the stages; the head learns from each task's own loss. It is not linear in the batch,
    which is therefore not cut.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's. c : radius, in [0, 1); at 0 it is the mean.

    References
    ----------
    Liu et al., "Conflict-Averse Gradient Descent for Multi-task Learning", NeurIPS 2021, equation 4.
    """

    c: float = 0.4

    def weigh(self, gram: np.ndarray) -> np.ndarray:
        return conflict_averse(gram, self.c)
