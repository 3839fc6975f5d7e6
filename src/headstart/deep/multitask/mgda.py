"""MGDA: the shortest convex combination of the tasks' gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.deep.tasks_together import GradientWeighting
from headstart.functional.aggregation import least_norm


@dataclass(kw_only=True)
class MGDA(GradientWeighting):
    """``min_w |sum_i w_i g_i|^2``, w >= 0, ``sum_i w_i = 1``: a step that makes no task worse, to first order.

    g_i [p] are the gradients of the stages; the head learns from each task's own loss. It is not linear in the batch,
    which is therefore not cut.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Desideri, "Multiple-gradient descent algorithm (MGDA) for multiobjective optimization", 2012; Sener and Koltun,
    "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018.
    """

    def weigh(self, gram: np.ndarray) -> np.ndarray:
        return least_norm(gram)
