"""When a training ends before its planned steps: a stop that was planned, or a clock that decides between steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """Where a training ends, beside its steps; the learning rate goes on as if all steps were made.

    Only the main process looks at its clock; the others hear of it within the step's own sum of gradients.

    Attributes
    ----------
    stop : the step that ends it as planned; None: all steps.
    cut : the step at which the clock ended it in a former session, so that a resumed run does the same.
    seconds : what it may take, evaluations included and former sessions counted in; at least one step is made,
        and a second one where the first could not know how long it takes.
    clock : seconds that rise.
    on_cut : told the step at which the clock ends it, before anything else is done with that step.
    """

    stop: int | None = None
    cut: int | None = None
    seconds: float = math.inf
    clock: Callable[[], float] = time.monotonic
    on_cut: Callable[[int], None] | None = None

    def end(self, steps: int) -> int:
        """Return the last step of a training of so many steps."""
        return min(value for value in (steps, self.stop, self.cut) if value is not None)

    def is_last(self, spent: float, step: float, evaluation: float) -> bool:
        """Whether the coming step must be the last: after it, another one with its evaluation would not fit.

        Parameters
        ----------
        spent, step, evaluation : seconds so far, of the last step, and of the last evaluation.
        """
        return spent >= self.seconds or spent + 2 * step + evaluation > self.seconds
