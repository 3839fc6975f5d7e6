"""Ctrl-C, once or twice, while the report is written: one sentence, exit code 130, nothing half, and resume ends it."""

import importlib
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

JOB = Path(__file__).with_name("interrupt_job.py")
RESUMED = "headstart: Interrupted; `headstart resume RUN` goes on from here.\n"


def interrupted(root, *cases):
    done = subprocess.run([sys.executable, str(JOB), str(root), *cases], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["case"] for one in found] == [*cases]
    for one in found:
        verb, place, _ = one["case"].split(":")
        assert one["code"] == 130, one
        assert one["said"] == ("headstart: Interrupted.\n" if verb == "report" else RESUMED), one
        assert one["had_page"] == (verb == "report" or place == "sweep"), one
        assert not one["parts"], one
        assert (one["again"], one["whole"], one["page"]) == (0, True, True), one


def test_every_place_where_it_strikes_is_there():
    for module, name in runpy.run_path(str(JOB))["PLACES"].values():
        assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.slow
def test_at_every_stage_of_the_page(tmp_path):
    resumed = [f"resume:{place}:{times}" for place in ("read", "chart", "text", "write", "rename") for times in (1, 2)]
    fitted = ["fit:read:1", "fit:text:2", "fit:write:2", "fit:sweep:2"]
    interrupted(tmp_path / "root", *fitted, *resumed, "report:chart:2", "report:rename:2", "report:write:1")
