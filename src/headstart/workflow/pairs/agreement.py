"""How often a student says of one side what its teacher says of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.functional.intervals import interval_of_mean
from headstart.tasks import TaskLogic

Array = np.ndarray


@dataclass(frozen=True)
class Agreement:
    """A share of pairs with its interval, and what the teacher's commonest answer alone would reach.

    Of tasks without classes it is the correlation of outputs, without either.
    """

    value: float
    interval: tuple[float, float] | None
    constant: float | None
    n: int

    @property
    def figures(self) -> dict[str, float]:
        return {"agreement": self.value}

    def to_json(self) -> dict[str, Any]:
        span = None if self.interval is None else list(self.interval)
        return {"name": "agreement", "n": self.n, "value": self.value, "interval": span, "chance": self.constant}

    def line(self) -> str:
        if self.interval is None or self.constant is None:
            return f"  student and teacher: outputs correlate by {self.value:.3f}; {self.n:,} pairs"
        low, high = (100 * bound for bound in self.interval)
        return (
            f"  student and teacher say the same of {100 * self.value:.1f}% ({low:.1f} to {high:.1f}; the teacher's "
            f"commonest answer {100 * self.constant:.1f}%); {self.n:,} pairs"
        )


def agreement(logic: TaskLogic, told: Array, said: Array) -> Agreement:
    """Compare outputs [n, k] of a teacher and a student of the same pairs."""
    if logic.task.label_space.link != "softmax":
        value = float(np.corrcoef(told.ravel(), said.ravel())[0, 1])
        return Agreement(value if np.isfinite(value) else 0.0, None, None, len(told))
    wanted = told.argmax(axis=1)
    same = (wanted == said.argmax(axis=1)).astype(np.float64)
    commonest = float(np.bincount(wanted).max() / len(wanted))
    return Agreement(float(same.mean()), interval_of_mean(same, share=True).bounds, commonest, len(told))
