"""What is seen while it runs: a live display in a terminal, a plain heartbeat elsewhere, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, TextIO

from headstart.engine.curves import overfitting

HEARTBEAT = 10.0
"""Seconds between plain lines of steps, where there is no terminal."""


class Progress:
    """A context that shows a run's stages, steps and evaluations on standard error.

    ``with Progress() as progress: progress.stage("fine-tune", steps); train(..., on_step=progress.step)``

    Parameters
    ----------
    quiet : show nothing.
    verbose : also show details, such as what stands still stage by stage, and every evaluation.
    stream : by default standard error; a live display if it is a terminal, else a line at most every 10 seconds.

    Attributes
    ----------
    ahead : asked for the seconds that are expected after the present stage; None where nobody knows.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.quiet, self.verbose = quiet, verbose and not quiet
        self.ahead: Callable[[], float] | None = None
        self.live = not quiet and self.stream.isatty()
        self._display: Any = None
        self._task: Any = None
        self._name, self._total, self._began = "", 0, 0.0
        self._said = 0.0
        self._history: list[dict[str, Any]] = []
        self._warned, self._first = False, 0

    def __enter__(self) -> Progress:
        if self.live:
            self._display = _display(self.stream)
            self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._display is not None:
            self._display.stop()
            self._display = self._task = None

    def stage(self, name: str, total_steps: int, *, watch: bool = True) -> None:
        """Begin a stage such as ``fine-tune`` of so many steps; ``watch`` it for over-fitting."""
        self._name, self._total, self._began = name, total_steps, time.monotonic()
        self._said = 0.0
        self._history, self._warned, self._first = [], not watch, 0
        if self._display is not None:
            if self._task is not None:
                self._display.update(self._task, visible=False)
            self._task = self._display.add_task(name, total=total_steps, left="", about="")
        self._say(f"{name}: {total_steps} steps")

    def step(self, record: dict[str, Any]) -> None:
        """Show a step or an evaluation: what `headstart.engine.train` gives to ``on_step``."""
        if "validation_loss" in record:
            self._history.append(record)
        if not self._first:
            self._first = record["step"]
        now = time.monotonic()
        if self._display is not None:
            left, about = self._left(record, now), self._about(record, now, live=True)
            self._display.update(self._task, completed=record["step"], left=left, about=about)
            if self.verbose and "validation_loss" in record:
                self._print(self._line(record, now))
        elif self._due(record, now):
            self._say(self._line(record, now))
        warning = None if self._warned else overfitting(self._history)
        if warning is not None:
            self._warned = True
            self.note(f"{self._name}: {warning}")

    def done(self, done: int, total: int) -> None:
        """Show how much of a stage without losses is done: what `cached_states` gives to ``on_progress``."""
        self._total = total
        if self._display is not None:
            self._display.update(self._task, total=total)
        self.step({"step": done})

    def note(self, text: str) -> None:
        """Show a sentence that stays."""
        self._print(text)
        self._say(text)

    def detail(self, text: str) -> None:
        """Show a sentence that only those who asked for more want to read."""
        if self.verbose:
            self.note(text)

    def _print(self, text: str) -> None:
        if self._display is not None:
            self._display.console.print(text, markup=False, highlight=False)

    def _due(self, record: dict[str, Any], now: float) -> bool:
        last = record["step"] >= self._total
        if "validation_loss" in record:
            due = last or self.verbose or now - max(self._said, self._began) >= HEARTBEAT
            self._said = now if due else self._said
            return due
        due = now - self._said >= HEARTBEAT if self._said else False
        self._said = now if due or not self._said else self._said
        return due

    def _about(self, record: dict[str, Any], now: float, live: bool = False) -> str:
        words = [f"epoch {record['epoch']:.1f}"] if "epoch" in record else []
        speed = (record["step"] - self._first) / max(1e-9, now - self._began)
        words += [f"{speed:.1f} steps/s"] if speed > 0 else []
        words += [f"train loss {record['train_loss']:.3f}"] if "train_loss" in record else []
        shown = self._history[-1] if live and self._history else record
        for name, key in (("validation loss", "validation_loss"), ("score", "validation_score")):
            words += [f"{name} {shown[key]:.3f}"] if shown.get(key) is not None else []
        return ", ".join(words) + (" · over-fitting" if live and self._warned else "")

    def _line(self, record: dict[str, Any], now: float) -> str:
        words = [f"step {record['step']}/{self._total}", self._about(record, now), self._left(record, now)]
        return f"{self._name}: " + ", ".join(word for word in words if word)

    def _left(self, record: dict[str, Any], now: float) -> str:
        """Say what is left of the stage, and of everything."""
        done = record["step"] - self._first
        if done < 1 or record["step"] >= self._total:
            return ""
        seconds = (now - self._began) / done * (self._total - record["step"])
        whole = "" if self.ahead is None else f" ({_duration(seconds + self.ahead())} in all)"
        return f"{_duration(seconds)} left{whole}"

    def _say(self, text: str) -> None:
        if not self.quiet and not self.live:
            print(text, file=self.stream, flush=True)


def _duration(seconds: float) -> str:
    """Return a short duration.

    Examples
    --------
    >>> _duration(5.2), _duration(65), _duration(7260)
    ('5 s', '1 min 5 s', '2 h 1 min')
    """
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _display(stream: TextIO) -> Any:
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("[bold]{task.description}"),
        progress.BarColumn(bar_width=24),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[left]}"),
        progress.TextColumn("{task.fields[about]}"),
    )
    return progress.Progress(*columns, console=Console(file=stream), refresh_per_second=4)
