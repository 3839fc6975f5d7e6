"""Temporary files: nothing is left, not even by a process that was killed."""

import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from headstart.locks import PART, part_name, sweep_parts
from headstart.scratch import scratch_folder
from headstart.storage import atomic_write, write_text

HOLD = """
import sys, time
from headstart.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "large").write_bytes(b"0" * 1000)
    print(folder, flush=True)
    time.sleep(60)
"""
WRITE = """
import sys, time
from pathlib import Path
from headstart.storage import atomic_write
def slowly(path):
    path.write_bytes(b"half")
    print(path, flush=True)
    time.sleep(60)
atomic_write(Path(sys.argv[1]), slowly)
"""


def started(code, *arguments):
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def fill_and_fail():
    with scratch_folder() as folder:
        (folder / "a").write_text("a")
        (folder / "b").read_text()


def test_a_scratch_folder_goes_even_where_its_block_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        fill_and_fail()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_goes_at_the_next_start_and_what_is_in_use_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process, name = started(HOLD)
    with scratch_folder():
        assert os.path.exists(name)
    kill(process)
    assert os.path.exists(name)
    with scratch_folder() as folder:
        assert [str(folder)] == [str(path) for path in tmp_path.iterdir()]


def test_half_a_file_of_a_killed_writer_goes_with_the_next_write_and_that_of_a_living_one_stays(tmp_path):
    process, name = started(WRITE, tmp_path / "file.txt")
    write_text(tmp_path / "file.txt", "first")
    assert os.path.exists(name)
    kill(process)
    write_text(tmp_path / "file.txt", "second")
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]
    assert (tmp_path / "file.txt").read_text() == "second"


def test_sweeping_leaves_files_of_other_names(tmp_path):
    for name in (f".a.1{PART}", f"a{PART}", ".hidden", "b"):
        (tmp_path / name).write_text("x")
    sweep_parts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "a.part", "b"]


def test_the_longest_name_can_be_written(tmp_path):
    name = "n" * 255
    atomic_write(tmp_path / name, lambda path: path.write_text(str(time.time())))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(part_name(name)) < 100


def test_text_that_no_utf8_can_say_is_escaped(tmp_path):
    write_text(tmp_path / "a.txt", "caf\udce9")
    assert (tmp_path / "a.txt").read_text() == "caf\\udce9"
