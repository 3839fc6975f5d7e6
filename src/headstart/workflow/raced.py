"""What a race hands to the road: the winner's method, depth and settings, and how much of the budget it took."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from headstart.workflow.options import FitOptions, seconds_of

LEAST_LEFT = 1.0
"""Seconds that the road plans with at least, whatever the race took."""


@dataclass(frozen=True)
class Raced:
    """The outcome of a race.

    Attributes
    ----------
    method, depth : that won; None where no fine-tuning raced, so that the plan decides. settings : hyper-parameters of
        the method, beside ``learning_rate``, ``weight_decay`` and ``views``.
    seconds : that the race took, of all sessions. ended : by `time.monotonic`, in this session.
    reasons : sentences for the plan. record : what ``run.json`` says of it.
    """

    method: str | None
    depth: int | None
    settings: dict[str, Any]
    seconds: float
    ended: float
    reasons: tuple[str, ...]
    record: dict[str, Any] = field(repr=False)

    def options(self, options: FitOptions) -> FitOptions:
        """Return the options of the rest of the road: what was found stands in them, and the budget is what is left."""
        left = max(LEAST_LEFT, seconds_of(options.budget) - self.seconds)
        found: dict[str, Any] = {"budget": f"{left:.1f}s", "sources": (), "trials": None, "study": None}
        if self.method is not None:
            found |= {
                "method": self.method,
                "depth": str(self.depth),
                "views": self.settings.get("views", options.views),
            }
        return replace(options, **found)
