"""A measurement in a process of its own, so that what does not end is stopped and what breaks is written down."""

from __future__ import annotations

import multiprocessing
import resource
import signal
import time
import warnings
from collections.abc import Callable
from typing import Any

MEMORY = 8 * 2**30
"""Bytes that a measurement may take, so that nothing else on the machine is ended for it."""


def attempt(function: Callable[[], Any], cap: float) -> dict[str, Any]:
    """Return ``{"value", "seconds", "gigabytes"}`` of a call in a forked process, or ``{"failed": why}``.

    Parameters
    ----------
    function : called without arguments; what it returns must pickle.
    cap : CPU seconds after which the process is stopped ("not finished"), in at most ten times as long by the clock.
    """
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe(duplex=False)
    child = fork.Process(target=_call, args=(function, there, cap), daemon=True)
    child.start()
    there.close()
    try:
        answer = here.recv() if here.poll(10 * cap) else None
    except EOFError:
        answer = None
    child.join(1.0)
    stopped = child.exitcode in (None, -signal.SIGXCPU)
    child.kill()
    child.join()
    if answer is None:
        return {"failed": f"not finished in {cap:.0f} CPU s" if stopped else f"the process ended ({child.exitcode})"}
    return answer


def _call(function: Callable[[], Any], pipe: Any, cap: float) -> None:
    warnings.simplefilter("ignore")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(start + cap) + 1, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.RLIM_INFINITY))
    try:
        value = function()
    except Exception as error:  # whatever a method raises is its outcome
        pipe.send({"failed": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]})
        return
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pipe.send({"value": value, "seconds": round(seconds, 3), "gigabytes": peak / 2**20, "before": before / 2**20})
