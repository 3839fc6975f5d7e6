"""One call of the command line in this process, as a user would see it."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from headstart import cli

GUARD_SECONDS = 120
"""A hang guard, not a promise of time."""


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


class Hung(BaseException):
    """The call did not come back; no `except Exception` on the way may swallow it."""


def _hang(signum, frame):
    raise Hung(f"no answer in {GUARD_SECONDS} s")


def call(arguments: list[str]) -> Said:
    """Run ``headstart ARGUMENTS``; anything but an exit goes through, as it would end in a traceback."""
    out, err = io.StringIO(), io.StringIO()
    former = signal.signal(signal.SIGALRM, _hang)
    signal.alarm(GUARD_SECONDS)
    try:
        argv = mock.patch.object(sys, "argv", ["headstart", *arguments])
        with argv, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                cli.main()
                code = 0
            except SystemExit as stop:
                code = 0 if stop.code is None else int(stop.code)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)
    return Said(code, out.getvalue(), err.getvalue())


def require_sentence(arguments: list[str], folder: Path) -> Said:
    """Call, and require success, or one sentence with exit code 2 and nothing left behind."""
    before = sorted(folder.rglob("*"))
    with tempfile.TemporaryDirectory() as scratch, mock.patch.object(tempfile, "tempdir", scratch):
        said = call(arguments)
        left = [path.name for path in Path(scratch).iterdir() if path.name.startswith("headstart")]
    assert said.code in (0, 2), (arguments, said)
    assert "Traceback" not in said.err, (arguments, said)
    assert not left, (arguments, left, said)
    if said.code == 2:
        told = said.err.strip().splitlines()
        assert told, arguments
        assert told[-1].startswith(("headstart: ", "Error: ")), (arguments, told)
        assert len(told[-1]) < 5_000, (arguments, len(told[-1]))
        assert sorted(folder.rglob("*")) == before, (arguments, said)
    return said
