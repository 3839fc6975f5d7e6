"""The options of a training as small values, its seeds, and Ctrl-C."""

from __future__ import annotations

import contextlib
import hashlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from headstart.networks.network import Network

Evaluate = Callable[["Network"], dict[str, float]]


@dataclass(frozen=True)
class Optimizer:
    """How weights move: AdamW per player, the rate rising over ``warmup``, then half a cosine to 0.

    Parameters
    ----------
    learning_rate : a group's rate multiplies it.
    weight_decay : of matrices and kernels; vectors are not decayed.
    warmup : share of the steps in which the rate rises from 0.
    clip : largest norm of a player's gradient, or None.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    warmup: float = 0.1
    clip: float | None = 1.0


@dataclass(frozen=True)
class Selection:
    """Which weights are handed back, and when waiting for better ones ends.

    Parameters
    ----------
    evaluate : network to ``{"loss", "score"}``, a higher score is better; None: the last weights are kept. It may ask
        labels of validation rows, or evidence without labels.
    every : steps between evaluations; an epoch if None.
    patience : evaluations without a better one before stopping; None: never.
    keep_best : hand back the best evaluation's weights; False: the last, and evaluations only watch.
    """

    evaluate: Evaluate | None = None
    every: int | None = None
    patience: int | None = None
    keep_best: bool = True


@dataclass(frozen=True)
class Saving:
    """Where a training is written to, and resumed from if the file is there.

    Parameters
    ----------
    path : of the checkpoint.
    every : seconds between checkpoints, 0 for every step; writing takes at most about 3% of the time.
    """

    path: str | Path
    every: float = 30.0


@dataclass(frozen=True)
class Compute:
    """Where a training is computed.

    Parameters
    ----------
    device : explicit device; else the accelerator's, else the fastest at hand.
    precision : ``no`` (float32) or ``bf16``; chosen by device if None.
    accelerator : `accelerate.Accelerator` or `accelerate.PartialState`; by default the process's own.
    parts : micro-batches that a process's share of the batch is cut into; doubled when memory runs out.
    """

    device: str | torch.device | None = None
    precision: str | None = None
    accelerator: Any = None
    parts: int = 1


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


@dataclass(frozen=True)
class Settings:
    """What a training depends on; see `headstart.engine.train`. ``every``: steps between evaluations."""

    steps: int
    seed: int
    optimizer: Optimizer
    selection: Selection
    every: int

    def key(self) -> dict[str, Any]:
        """Return them as they stand in the key of a checkpoint."""
        chosen = {"patience": self.selection.patience, "keep_best": self.selection.keep_best}
        numbers = {"steps": self.steps, "seed": self.seed, "evaluate_every": self.every}
        return numbers | asdict(self.optimizer) | chosen


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
