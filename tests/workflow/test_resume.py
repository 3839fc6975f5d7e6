"""Killed at any moment and resumed, a run is the run that was never killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

import headstart as hs
from headstart.errors import UserError

ARGUMENTS = ["--source", "headstart/glyphs", "--arms", "scratch,chosen", "--epochs", "6", "--seed", "3"]


@pytest.mark.slow  # test_kills.py kills fits at chosen changes of files in the fast suite
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


def test_a_finished_run_is_returned_as_it_is(few_digits, tmp_path):
    run = hs.fit(few_digits, source="headstart/glyphs", method="probe", arms="probe", out=tmp_path / "r", quiet=True)
    stamp = (run.path / "run.json").stat().st_mtime_ns
    assert hs.resume(run.path).result == run.result
    assert (run.path / "run.json").stat().st_mtime_ns == stamp


@pytest.fixture(scope="module")
def begun(table_file, tmp_path_factory):
    """A fit from a source of one's own that stopped before its first arm."""
    root = tmp_path_factory.mktemp("begun")
    shutil.copy(table_file, root / "people.csv")
    hs.pretrain(root / "people.csv", network="headstart/tabular", out=root / "source", epochs=1, quiet=True)
    here = os.getcwd()
    os.chdir(root)
    try:
        hs.fit("people.csv", source="source", method="probe", arms="probe", out="run", quiet=True)
    finally:
        os.chdir(here)
    (root / "run" / "run.json").unlink()
    (root / "run" / "report.html").unlink()
    return root


@pytest.fixture
def stopped(begun, tmp_path):
    shutil.copytree(begun, tmp_path / "here")
    arguments = tmp_path / "here" / "run" / "state" / "arguments.json"
    arguments.write_text(arguments.read_text().replace(str(begun), str(tmp_path / "here")))
    return tmp_path / "here"


@pytest.mark.slow
def test_resume_works_from_any_folder_with_relative_names(stopped, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = hs.resume("../here/run", quiet=True).result
    assert (result["source"]["spec"], result["data"]["origin"]) == ("source", "people.csv")
    assert (stopped / "run" / "report.html").exists()


def replace_source(root):
    hs.pretrain(root / "people.csv", network="headstart/tabular", out=root / "source", epochs=1, seed=5, force=True,
                quiet=True)  # fmt: skip


def change_data(root):
    lines = (root / "people.csv").read_text().splitlines()
    (root / "people.csv").write_text("\n".join(lines[:-1]) + "\n")


def edit(root, change):
    path = root / "run" / "state" / "arguments.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


CHANGES = {
    "The source source has changed": replace_source,
    "The data .*people.csv has changed": change_data,
    "holds as options has changed": lambda root: edit(root, lambda value: value["options"].update(budget="3m")),
    "The code of Headstart has": lambda root: edit(root, lambda value: value["fingerprint"]["code"].update(source="x")),
    r"Torch \(1.0 then, .* now\) has": lambda root: edit(
        root, lambda value: value["fingerprint"]["code"].update(torch="1.0")
    ),
    "does not say how": lambda root: edit(root, lambda value: value.pop("options")),
    "options in .* cannot be read": lambda root: edit(root, lambda value: value["options"].update(colour="red")),
    "is not readable JSON": lambda root: (root / "run" / "state" / "arguments.json").write_text("{"),
}


@pytest.mark.parametrize("said", CHANGES)
def test_what_has_changed_since_is_named_and_refused(stopped, said):
    CHANGES[said](stopped)
    with pytest.raises(UserError, match=said):
        hs.resume(stopped / "run", quiet=True)
    assert not (stopped / "run" / "run.json").exists()


def test_resume_finishes_what_a_kill_left_after_the_result(few_digits, tmp_path):
    run = hs.fit(few_digits, source="headstart/glyphs", method="probe", arms="probe", out=tmp_path / "r", quiet=True)
    before = (run.path / "report.html").read_bytes()
    (run.path / "report.html").unlink()
    (run.path / ".report.html.abc.part").write_text("half")
    (run.path / "model" / ".weights.safetensors.abc.part").write_text("half")
    (run.path / "state" / "probe" / "seed-0").mkdir(parents=True)
    (run.path / "state" / "probe" / "seed-0" / "result.json").write_text("{}")
    hs.resume(run.path)
    assert (run.path / "report.html").read_bytes() == before
    assert [path.name for path in (run.path / "state").iterdir()] == ["arguments.json"]
    assert not [path for path in run.path.rglob("*") if path.name.endswith(".part")]
