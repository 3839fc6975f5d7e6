"""Who may take how long: what is left of a budget, shared out among the fits that are still to come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from headstart.schema import Number, Record, read_checked
from headstart.storage import write_json

CLOCK = Record({"spent": Number(0)})


SLOWEST = 10.0
_BEGAN: ContextVar[float | None] = ContextVar("began", default=None)


@contextmanager
def counting_from(began: float) -> Iterator[None]:
    """Let a fit inside count its budget from ``began``, by `time.monotonic`: a command counts its imports too."""
    token = _BEGAN.set(began)
    try:
        yield
    finally:
        _BEGAN.reset(token)


def began_at() -> float:
    """Return the clock when this fit was asked for."""
    found = _BEGAN.get()
    return time.monotonic() if found is None else found


@dataclass
class Timetable:
    """The budget's clock. A fit may take its share of what is left, by what it is expected to cost.

    What an early stop leaves goes to those that follow; what a slow fit would need beyond its share, it does not get,
    so that no arm eats the time of another.

    Attributes
    ----------
    budget : seconds of the whole run. reserve : seconds of it for what comes after the last fit.
    weights : expected seconds of every fit by name, in order.
    began : the clock when this session of the run began.
    path : file in which the seconds spent are kept for a resumed run; None: nowhere.
    cpu : seconds of the processor that this process used, where it is the one that computes: what was measured alone
        takes longer where others compute too.
    """

    budget: float
    reserve: float
    weights: Mapping[str, float]
    clock: Callable[[], float] = time.monotonic
    began: float = 0.0
    path: Path | None = None
    cpu: Callable[[], float] | None = None
    _cpu_began: float = field(default=0.0, repr=False)
    _before: float = field(default=0.0, repr=False)
    _done: set[str] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        self._cpu_began = self.cpu() if self.cpu else 0.0
        self._wall_began = self.clock() if self.cpu else 0.0
        if self.path is not None and self.path.exists():
            self._before = float(read_checked(self.path, CLOCK)["spent"])

    @property
    def spent(self) -> float:
        """Seconds of all sessions of the run so far."""
        return self._before + self.clock() - self.began

    @property
    def left(self) -> float:
        """Seconds left for fits."""
        return max(0.0, self.budget - self.pace * self.reserve - self.spent)

    @property
    def spare(self) -> float:
        """Seconds left of the whole budget, in seconds of a machine that has nothing else to do."""
        return max(0.0, self.budget - self.spent) / self.pace

    @property
    def pace(self) -> float:
        """Seconds that a second of work takes here: 1 on a machine that has nothing else to do."""
        if self.cpu is None:
            return 1.0
        wall, used = self.clock() - self._wall_began, self.cpu() - self._cpu_began
        return 1.0 if wall < 2 else min(SLOWEST, max(1.0, wall / max(used, 1e-9)))

    def share(self, name: str) -> float:
        """Return the seconds that the fit ``name`` may take; those listed before it count as done from now on.

        A fit that is not in the list may take all that is left.
        """
        self._note()
        if name not in self.weights:
            return self.left
        for earlier in self.weights:
            if earlier == name:
                break
            self._done.add(earlier)
        ahead = sum(weight for other, weight in self.weights.items() if other not in self._done)
        return self.left * self.weights[name] / ahead if ahead > 0 else self.left

    def ahead(self) -> float:
        """Return the seconds expected after the fit that was asked for last, the end of the run included."""
        coming = [weight for name, weight in self.weights.items() if name not in self._done]
        return min(self.left + self.pace * self.reserve, sum(coming[1:]) + self.reserve)

    def _note(self) -> None:
        if self.path is not None:
            write_json(self.path, {"spent": round(self.spent, 3)})
