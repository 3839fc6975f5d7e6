"""The numbers of a training, its seeds, and Ctrl-C."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """The numbers that a training depends on; see `headstart.engine.train`."""

    steps: int
    learning_rate: float
    weight_decay: float
    warmup: float
    clip: float | None
    seed: int
    evaluate_every: int
    patience: int | None
    keep_best: bool
    parts: int
    checkpoint_every: float


def seed_of(*parts: object) -> int:
    """Return 63 bits made of ``parts``, the same in every process and version of Python."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


@contextlib.contextmanager
def gentle_interrupt(ask: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C ask to stop after the step; a second one raises KeyboardInterrupt as ever."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, former)
        ask()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
