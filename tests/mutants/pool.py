"""Runs of pytest in forks of one parent that has imported all that is slow, each with its own copy of the package."""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from overlay import ROOT, SOURCE, Overlay

ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
CPU_SECONDS = 300
"""Processor seconds after which a run counts as hanging: a busy machine does not make it hang."""
WALL_SECONDS = 1800
EVERYTHING = """
import importlib, pkgutil, sys, headstart
for module in pkgutil.walk_packages(headstart.__path__, "headstart."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print("\\n".join(sys.modules))
"""


class Job(NamedTuple):
    """``tests`` to run while ``file`` reads ``text``; without a file, on the package as it is."""

    name: str
    tests: tuple[str, ...]
    file: str | None = None
    text: str = ""


class Outcome(NamedTuple):
    """``code`` is pytest's (0: all passed, so a mutant survived), or the negative number of a signal."""

    job: Job
    code: int
    seconds: float
    output: str


class Slot(NamedTuple):
    """A place for one run at a time."""

    overlay: Overlay
    scratch: Path


class Running(NamedTuple):
    job: Job
    slot: Slot
    began: float
    change: contextlib.ExitStack


def preload() -> None:
    """Import what the package and pytest import, but nothing of the package itself."""
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"), MPLBACKEND="Agg", HF_HUB_OFFLINE="1", PYTHONDONTWRITEBYTECODE="1")
    os.environ["PYTHONPATH"] = str(SOURCE)
    sys.dont_write_bytecode = True
    told = subprocess.run([sys.executable, "-c", EVERYTHING], capture_output=True, text=True, check=True).stdout
    wanted = [*told.split(), "pytest", "_pytest.assertion.rewrite", "hypothesis", "sklearn.utils.estimator_checks"]
    for name in wanted:
        if not name.startswith(("headstart", "__main__")) and name not in sys.modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


def outcomes(jobs: list[Job], workers: int) -> Iterator[Outcome]:
    """Run the jobs, ``workers`` at a time; yield each outcome as it comes."""
    with tempfile.TemporaryDirectory(prefix="headstart-mutants-") as folder:
        free = [Slot(Overlay(Path(folder) / f"{n}/src"), Path(folder) / f"{n}/run") for n in range(workers)]
        waiting, running = list(reversed(jobs)), dict[int, Running]()
        while waiting or running:
            while waiting and free:
                slot = free.pop()
                running.update([_start(waiting.pop(), slot)])
            for outcome, slot in _ended(running):
                free.append(slot)
                yield outcome
            time.sleep(0.02)


def _start(job: Job, slot: Slot) -> tuple[int, Running]:
    shutil.rmtree(slot.scratch, ignore_errors=True)
    slot.scratch.mkdir(parents=True)
    change = contextlib.ExitStack()
    if job.file is not None:
        change.enter_context(slot.overlay.changed(job.file, job.text))
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _be(job, slot)
    return child, Running(job, slot, time.monotonic(), change)


def _ended(running: dict[int, Running]) -> Iterator[tuple[Outcome, Slot]]:
    for child, run in list(running.items()):
        seconds = time.monotonic() - run.began
        if seconds > WALL_SECONDS:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
        gone, status = os.waitpid(child, os.WNOHANG)
        if gone:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)  # what a test started and left behind
            run.change.close()
            del running[child]
            output = (run.slot.scratch / "output").read_text(errors="replace")
            yield Outcome(run.job, os.waitstatus_to_exitcode(status), seconds, output), run.slot


def _be(job: Job, slot: Slot) -> None:
    """What a child does; it never returns."""
    code: Any = 99
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
        target = os.open(slot.scratch / "output", os.O_WRONLY | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(target, stream)
        os.environ["PYTHONPATH"] = str(slot.overlay.folder)
        sys.path.insert(0, str(slot.overlay.folder))
        tempfile.tempdir = None
        os.environ["TMPDIR"] = str(slot.scratch)
        os.chdir(ROOT)
        code = _pytest()(
            ["-x", "-q", "-m", "not slow", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist", *job.tests]
        )
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(code))


def _pytest() -> Callable[[list[str]], Any]:
    import pytest

    return pytest.main
