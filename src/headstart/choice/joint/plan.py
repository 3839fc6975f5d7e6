"""How large a body is and how long it is trained, by the size of the data alone. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_STEPS, MOST_STEPS = 150, 600


@dataclass(frozen=True)
class Plan:
    """How a body is trained.

    Parameters
    ----------
    width, layers, dropout : of the body. batch_size : rows of each domain in a step. epochs : of the larger domain,
        held between `LEAST_STEPS` and `MOST_STEPS` steps. rate, decay : of AdamW. noise : standard deviation of what
        further views of a row add to it.
    """

    width: int = 256
    layers: int = 1
    dropout: float = 0.2
    batch_size: int = 64
    epochs: int = 12
    rate: float = 4e-3
    decay: float = 1e-2
    noise: float = 0.1

    def steps(self, n_source: int, n_target: int) -> int:
        """Return the steps of the optimiser for domains of these sizes."""
        return int(np.clip(self.epochs * -(-max(n_source, n_target) // self.batch_size), LEAST_STEPS, MOST_STEPS))
