"""What the parts of one run across domains share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.models.encoder import Encoder
from headstart.networks import Source
from headstart.problem import Task
from headstart.shallow.domains import mask
from headstart.tasks import TaskLogic
from headstart.workflow.across.sides import Rows, Sides
from headstart.workflow.options import FitOptions

Array = np.ndarray


@dataclass
class Adaptation:
    """What the parts of one run across domains share.

    Attributes
    ----------
    learned : per seed the target rows whose labels were learned from.
    evaluated : the target rows with a label that no seed learned from.
    """

    sides: Sides
    rows: Rows
    encoder: Encoder
    logic: TaskLogic
    options: FitOptions
    source: Source | None
    learned: list[Array]
    evaluated: Array

    @property
    def task(self) -> Task:
        return self.sides.task

    def seen_labels(self, number: int) -> Array:
        """Return the target's labels [m] that seed number ``number`` may learn from; all others are masked."""
        labels = self.sides.target_labels
        hidden = np.ones(len(labels), dtype=bool)
        hidden[self.learned[number]] = False
        return mask(labels, hidden)
