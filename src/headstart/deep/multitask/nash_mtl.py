"""Nash-MTL: the step that tasks would agree on in a bargain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.deep.tasks_together import GradientWeighting
from headstart.functional.aggregation import bargained


@dataclass(kw_only=True)
class NashMTL(GradientWeighting):
    """``G G^T a = 1 / a``, a > 0; the weights are a, scaled to sum to 1.

    G [t, p] are the gradients of the stages; the head learns from each task's own loss. It is not linear in the batch,
    which is therefore not cut.

    Parameters
    ----------
    body_rate : learning rate of the stages, as a share of the run's.

    References
    ----------
    Navon et al., "Multi-Task Learning as a Bargaining Game", ICML 2022, claim 3.1.
    """

    def weigh(self, gram: np.ndarray) -> np.ndarray:
        return bargained(gram)
