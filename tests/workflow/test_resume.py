"""Killed at any moment and resumed, a run is the run that was never killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

import headstart as hs
from headstart.errors import UserError

ARGUMENTS = ["--source", "headstart/glyphs", "--arms", "scratch,chosen", "--epochs", "6", "--seed", "3"]


def test_kill_and_resume_give_the_same_bits(digits_folder, tmp_path):
    whole = hs.fit(
        digits_folder,
        source="headstart/glyphs",
        arms="scratch,chosen",
        epochs=6,
        seed=3,
        out=tmp_path / "a",
        quiet=True,
    )
    command = [sys.executable, "-m", "headstart", "fit", str(digits_folder), *ARGUMENTS, "--out", str(tmp_path / "b")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "b").rglob("checkpoint.safetensors")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "b" / "run.json").exists()
    resumed = hs.resume(tmp_path / "b", quiet=True)
    for name in ("model/weights.safetensors",):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert resumed.verdict == whole.verdict
    assert not [path for path in (tmp_path / "b").rglob("*") if path.name.endswith(".part")]


def test_a_finished_run_is_returned_as_it_is(digits_folder, tmp_path):
    run = hs.fit(digits_folder, source="headstart/glyphs", method="probe", arms="probe", out=tmp_path / "r", quiet=True)
    stamp = (run.path / "run.json").stat().st_mtime_ns
    assert hs.resume(run.path).result == run.result
    assert (run.path / "run.json").stat().st_mtime_ns == stamp


def test_changed_data_are_refused(digits_folder, tmp_path):
    import shutil

    shutil.copytree(digits_folder, tmp_path / "data")
    run = hs.fit(
        tmp_path / "data", source="headstart/glyphs", method="probe", arms="probe", out=tmp_path / "r", quiet=True
    )
    (run.path / "run.json").unlink()
    next((tmp_path / "data" / "train" / "1").iterdir()).unlink()
    with pytest.raises(UserError, match="has changed"):
        hs.resume(run.path)
