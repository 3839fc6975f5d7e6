"""What a command owes its user whatever happens: one sentence, an exit code, and text that any terminal can show."""

from __future__ import annotations

import contextlib
import errno
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from headstart.errors import HeadstartWarning, UserError

QUIET = 2.0
"""Seconds after a Ctrl-C in which further ones change nothing, so that what was begun is put away whole."""
_PATH_FAULTS = (
    errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.ENOENT
)  # fmt: skip
"""What may be wrong with a path that a user named; it is told as that wherever it comes up."""
INTERRUPTED = "Interrupted."
NO_MEMORY = "There is too little memory for this; try a smaller --batch-size or a smaller source."


def run(work: Callable[[], Any]) -> None:
    """Run a command: exit code 0, 2 for the user's mistakes, 130 when interrupted, 1 for what nobody foresaw."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    interrupts = _Interrupts()
    interrupts.listen()
    with _plain_warnings():
        try:
            work()
        except BaseException as error:
            interrupts.rest()
            _end(error, interrupts)
        finally:
            interrupts.rest()


def speaks_utf8(stream: Any) -> bool:
    """Say whether every character can be written to a stream; what cannot is escaped by `run`."""
    return str(getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") in {"utf8", "utf8sig"}


class _Interrupts:
    """Ctrl-C: the first one raises KeyboardInterrupt; those that follow at once are one with it."""

    def __init__(self) -> None:
        self.asked = False
        self._quiet_until = 0.0

    def listen(self) -> None:
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, self._hear)

    def rest(self) -> None:
        self._quiet_until = time.monotonic() + QUIET

    def _hear(self, number: int, frame: Any) -> None:
        if time.monotonic() >= self._quiet_until:
            self.asked = True
            self.rest()
            raise KeyboardInterrupt


def _end(error: BaseException, interrupts: _Interrupts) -> NoReturn:
    causes = list(_causes(error))
    stopped = next((cause for cause in causes if isinstance(cause, KeyboardInterrupt)), None)
    # A Ctrl-C within an import may come out as that import's failure.
    if stopped is not None or (interrupts.asked and not isinstance(error, UserError | SystemExit)):
        _stop(str(stopped or "") or INTERRUPTED, 130)
    if isinstance(error, UserError):
        _stop(str(error), 2)
    if any(type(cause).__name__ in {"MemoryError", "OutOfMemoryError"} for cause in causes):
        _stop(NO_MEMORY, 2)
    if isinstance(error, OSError) and error.errno in _PATH_FAULTS and error.filename is not None:
        _stop(f"{str(error.filename)[:200]} cannot be used: {error.strerror}; give another path.", 2)
    if isinstance(error, BrokenPipeError):
        sys.stderr.close()
        raise SystemExit(0) from None
    # typer turns the end of a file into the end of the program.
    unforeseen = next((cause for cause in causes if isinstance(cause, EOFError)), error)
    if isinstance(unforeseen, SystemExit):
        raise unforeseen
    _stop_unforeseen(unforeseen)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _stop(sentence: str, code: int) -> NoReturn:
    print(f"headstart: {sentence}", file=sys.stderr)
    raise SystemExit(code) from None


def _stop_unforeseen(error: BaseException) -> NoReturn:
    import traceback

    first = (str(error).strip() or "no message").splitlines()[0][:200].rstrip(".")
    said = f"This is a fault of Headstart's ({type(error).__name__}: {first})"
    trace = "".join(traceback.format_exception(error))
    path = _write_trace(trace)
    if path is None:
        print(trace, file=sys.stderr)
        _stop(f"{said}; please report it with the trace above.", 1)
    _stop(f"{said}; please report it with the full trace in {path}.", 1)


def _write_trace(trace: str) -> str | None:
    """Write a trace where temporary files go; None where nothing can be written."""
    import os
    import platform
    import tempfile

    from headstart import __version__

    about = f"headstart {__version__}, Python {platform.python_version()}, {platform.platform()}\n{sys.argv}\n\n"
    try:
        handle, path = tempfile.mkstemp(prefix="headstart-fault-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(about + trace)
    except OSError:
        return None
    return path


@contextlib.contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show this package's own warnings as the sentences that they are."""
    import warnings

    show = warnings.showwarning

    def plainly(message: Any, category: type[Warning], *rest: Any, **more: Any) -> None:
        if issubclass(category, HeadstartWarning):
            print(f"headstart: {message}", file=sys.stderr)
        else:
            show(message, category, *rest, **more)

    warnings.showwarning = plainly  # type: ignore[assignment]
    try:
        yield
    finally:
        warnings.showwarning = show
