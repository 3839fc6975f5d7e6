"""CPU seconds, not wall: the machine may be shared."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


def cpu_seconds() -> float:
    """Return user and system seconds of this process, its threads and its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Clock:
    """Counts CPU seconds from its creation on; what happens inside ``paused()`` is free (testing, say)."""

    def __init__(self) -> None:
        self.start = cpu_seconds()
        self.free = 0.0

    @property
    def seconds(self) -> float:
        return cpu_seconds() - self.start - self.free

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        begin = cpu_seconds()
        try:
            yield
        finally:
            self.free += cpu_seconds() - begin


def affordable(budget: float, fixed: float, per_epoch: float, most: int) -> int:
    """Return how many epochs the budget pays for: at least 1, at most ``most``."""
    return int(min(most, max(1, (budget - fixed) // per_epoch)))
