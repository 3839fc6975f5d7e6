"""How large a body is and how long it is trained, by the size of the data alone. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from headstart import catalogue
from headstart.choice.heads import Grid, Heads
from headstart.errors import check_names

TABLE_LAYERS = 2
"""Stages of the body where columns have units of their own; features of a network need one."""
LEAST_STEPS, MOST_STEPS = 150, 600
CONVOLVED, OF_WORDS = (2.0, 4.0), (0.5, 1.0)
"""By how much both are longer where rows are pictures, which are convolved, and where they are bags of words."""
LONG = 1200
"""Steps beyond which a training that is longer learns at a rate that is smaller in proportion."""
WORDS_FILL, WORDS_COLUMNS = 0.1, 500
"""Share of numbers that are not zero below which rows are taken for bags of words, and the columns that they have."""
SOON_LEARNED = frozenset({"erm", "mcc", "shot"})
"""Methods that race on words by default and answer as well after half the steps; DANN and CDAN lose up to ten points by
it (docs/log.md)."""
check_names(SOON_LEARNED, catalogue.names(), "headstart.choice.joint.plan.SOON_LEARNED")
STAGE_BATCH, STAGE_EPOCHS = 32, 5
NORMS = ("shared", "domain", "held")
"""What batch norm in trained stages counts by: running statistics of both domains mixed; of each domain by itself; or
those that the network came with, which do not move."""


@dataclass(frozen=True)
class Stages:
    """Which stages of a pretrained network a candidate trains, instead of a body over its features.

    Parameters
    ----------
    depth : how many of the last stages learn; those before stay as they are. norm : of `NORMS`.
    seconds : that a step is expected to take, by the size of the stages alone.
    """

    depth: int
    norm: str = "shared"
    seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """How a body is trained.

    Parameters
    ----------
    width, layers, dropout : of the body. batch_size : rows of each domain in a step. epochs : of the larger domain,
        held between `LEAST_STEPS` and `MOST_STEPS` steps times ``stretch``. rate, decay : of AdamW (`rate_of`). noise :
        deviation of what further views of a row add to it. grid : of rows that are pictures, which are convolved.
    body_rate : share of the rate at which the body learns, beside the head.
    """

    width: int = 256
    layers: int = 1
    dropout: float = 0.2
    batch_size: int = 64
    epochs: int = 12
    stretch: tuple[float, float] = (1.0, 1.0)
    rate: float = 4e-3
    decay: float = 1e-2
    noise: float = 0.1
    grid: Grid | None = None
    body_rate: float = 1.0

    @classmethod
    def of(cls, heads: Heads, method: str = "", source: Any = None) -> Plan:
        """Return the plan for rows that are pictures, columns with units of their own, words, or a network's features.

        Bags of words (`are_words`) are learned in half the steps at half the rate by the methods `SOON_LEARNED`: each
        step writes the weights of thousands of columns.

        Parameters
        ----------
        method : that learns. source : the rows [n, d] with labels, dense or CSR; without them they are no words.
        """
        if heads.grid is not None:
            return cls(epochs=2 * cls.epochs, stretch=CONVOLVED, grid=heads.grid)
        if heads.standardise:
            return cls(layers=TABLE_LAYERS)
        if method in SOON_LEARNED and source is not None and are_words(source):
            return cls(epochs=cls.epochs // 2, stretch=OF_WORDS, rate=cls.rate / 2)
        return cls()

    @classmethod
    def of_stages(cls) -> Plan:
        """Return the plan for stages of a pretrained network: they know something already, and are dear."""
        return cls(batch_size=STAGE_BATCH, epochs=STAGE_EPOCHS, rate=1e-3, body_rate=0.1)

    def steps(self, n_source: int, n_target: int) -> int:
        """Return the steps of the optimiser for domains of these sizes."""
        wanted = self.epochs * -(-max(n_source, n_target) // self.batch_size)
        return int(np.clip(wanted, self.stretch[0] * LEAST_STEPS, self.stretch[1] * MOST_STEPS))

    def rate_of(self, steps: int) -> float:
        """Return the rate of a training of this many steps."""
        return self.rate * min(1.0, LONG / steps)


def are_words(rows: Any) -> bool:
    """Return whether rows [n, d], dense or CSR, look like bags of words: many columns, nearly all of them zero."""
    filled = rows.count_nonzero() if sparse.issparse(rows) else np.count_nonzero(rows)
    return rows.shape[1] >= WORDS_COLUMNS and filled < WORDS_FILL * rows.shape[0] * rows.shape[1]
