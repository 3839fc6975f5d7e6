"""Ctrl-C, once or twice, at a place of the work on a report: one JSON line per case says what it ended in.

``python interrupt_job.py ROOT VERB:PLACE:TIMES ...``; each in a copy of a process that has imported everything.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

PLACES = {
    "read": ("headstart.report.html", "read_folder"),
    "chart": ("headstart.report.plots", "reliability"),
    "text": ("headstart.report.html", "environment"),
    "write": ("headstart.report.html", "write_text"),
    "rename": ("headstart.storage", "_sync"),
    "sweep": ("headstart.workflow.conclude", "sweep_run"),
}
"""Where it strikes: the first call of a function of the module, before it begins."""


def strike(place: str, times: int) -> None:
    """Let the first call of a function be a Ctrl-C, and a moment later another."""
    module, name = PLACES[place]
    home: Any = importlib.import_module(module)
    real, done = getattr(home, name), []

    def struck(*given: Any, **named: Any) -> Any:
        if not done:
            done.append(True)
            if times > 1:
                threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            os.kill(os.getpid(), signal.SIGINT)
        return real(*given, **named)

    setattr(home, name, struck)


def command(arguments: list[str], said: Path, place: str | None = None, times: int = 1) -> int:
    """Run a command in a copy of this process and return its exit code; what it says goes to a file."""
    pid = os.fork()
    if pid == 0:
        code: Any = 1
        try:
            with said.open("w") as file:
                os.dup2(file.fileno(), 2)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                if place is not None:
                    strike(place, times)
                sys.argv = ["headstart", *arguments]
                from headstart.cli import main

                try:
                    main()
                    code = 0
                except SystemExit as left:
                    code = left.code or 0
                sys.stderr.flush()
        finally:
            os._exit(code if isinstance(code, int) else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def main_job(root: Path, cases: list[str]) -> None:
    import shutil

    import numpy as np
    import pandas as pd

    import headstart as hs

    root.mkdir(parents=True)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=np.where(X[:, 0] > 0, "yes", "no"))
    frame.to_csv(root / "t.csv", index=False)
    options = {"label": "y", "epochs": 1, "quiet": True}
    hs.pretrain(root / "t.csv", network="headstart/tabular", out=root / "source", **options)
    fit = ["fit", str(root / "t.csv"), "--label", "y", "--source", str(root / "source"), "--method", "probe",
           "--arms", "scratch,chosen", "--epochs", "1", "--quiet", "--out"]  # fmt: skip
    whole = root / "whole"
    assert command([*fit, str(whole)], root / "said.txt") == 0, (root / "said.txt").read_text()
    expected = names(whole)
    for case in cases:
        verb, place, times = case.split(":")
        out = root / "-".join((verb, place, times))
        if verb != "fit":
            shutil.copytree(whole, out)
            if verb == "resume":
                (out / "report.html").unlink()
        arguments = [*fit, str(out)] if verb == "fit" else [verb, str(out)]
        code = command(arguments, root / "said.txt", place, int(times))
        said, left = (root / "said.txt").read_text(), names(out)
        again = command(["resume", str(out), "--quiet"], root / "again.txt")
        page = (out / "report.html").read_text() if (out / "report.html").exists() else ""
        print(json.dumps({
            "case": case, "code": code, "said": said.replace(str(out), "RUN"), "again": again,
            "page": "</html>" in page, "parts": [name for name in left if name.endswith(".part")],
            "whole": names(out) == expected,
            "had_page": "report.html" in left,
        }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main_job(Path(sys.argv[1]), sys.argv[2:])
