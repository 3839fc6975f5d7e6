"""A measurement in a process of its own, so that what does not end is stopped and what breaks is written down."""

from __future__ import annotations

import multiprocessing
import resource
import time
import warnings
from collections.abc import Callable
from typing import Any


def attempt(function: Callable[[], Any], cap: float) -> dict[str, Any]:
    """Return ``{"value", "seconds", "gigabytes"}`` of a call in a forked process, or ``{"failed": why}``.

    Parameters
    ----------
    function : called without arguments; what it returns must pickle.
    cap : wall-clock seconds until the process is stopped ("not finished").
    """
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe(duplex=False)
    child = fork.Process(target=_call, args=(function, there), daemon=True)
    child.start()
    there.close()
    try:
        answer = here.recv() if here.poll(cap) else {"failed": f"not finished in {cap:.0f} s"}
    except EOFError:
        answer = {"failed": "the process died (memory?)"}
    child.kill()
    child.join()
    return answer


def _call(function: Callable[[], Any], pipe: Any) -> None:
    warnings.simplefilter("ignore")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    try:
        value = function()
    except Exception as error:  # whatever a method raises is its outcome
        pipe.send({"failed": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]})
        return
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pipe.send({"value": value, "seconds": round(seconds, 3), "gigabytes": peak / 2**20, "before": before / 2**20})
