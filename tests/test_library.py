"""The user's library of sources: one file, whole under two writers and after a kill; every finished run is in it."""

import os
import signal
import sqlite3
import threading
import time
from dataclasses import replace

import pytest

from headstart import library
from headstart.errors import UserError
from headstart.library import Gain, Mine

ONE = Mine("flowers", "/runs/flowers", True, "image", "classification", ("rose", "tulip"), "2 classes: rose, tulip",
           "flowers", "/data/flowers", "ab12", "timm/resnet18", "apache-2.0", "accuracy", 0.9, 100, 11_000_000, 4096,
           "2026-11-28T01:00:00+00:00")  # fmt: skip
GAIN = Gain("tulips", "cd34", "positive", "accuracy", 0.1, 0.05, 0.15, 80, "probe", "scratch", "/runs/tulips", "2026")


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_LIBRARY", str(tmp_path / "deep" / "mine.sqlite"))
    return tmp_path / "deep" / "mine.sqlite"


def test_what_is_put_in_comes_out(empty):
    assert library.mine() == []
    assert not empty.exists()  # reading makes nothing
    assert library.put(ONE) == "flowers"
    library.put_gain(ONE.path, GAIN)
    library.put_gain(ONE.path, replace(GAIN, gain=0.2))  # the same run again replaces what it said
    assert library.get("mine:flowers") == replace(ONE, gains=(replace(GAIN, gain=0.2),))
    assert library.gains_of(ONE.path) == library.mine()[0].gains
    assert library.put(replace(ONE, path="/other/flowers")) == "flowers-2"
    assert library.put(replace(ONE, score=0.5)) == "flowers"  # the same folder keeps its name
    with pytest.raises(UserError, match="another source of the name 'flowers-2'"):
        library.put(ONE, name="flowers-2")
    assert [one.name for one in library.mine()] == ["flowers", "flowers-2"]
    library.remove("flowers")
    assert library.gains_of(ONE.path) == ()
    with pytest.raises(UserError, match="did you mean 'flowers-2'"):
        library.get("flowers")


def test_off_is_off(monkeypatch):
    monkeypatch.setenv("HEADSTART_LIBRARY", "off")
    assert library.mine() == []
    with pytest.raises(UserError, match="switched off"):
        library.put(ONE)


def test_strange_files_are_told_in_a_sentence(empty, tmp_path, monkeypatch):
    library.put(ONE)
    with sqlite3.connect(empty) as base:
        base.execute("UPDATE sources SET record = '[1]'")
    with pytest.raises(UserError, match="damaged"):
        library.mine()
    with sqlite3.connect(empty) as base:
        base.execute("PRAGMA user_version = 9")
    with pytest.raises(UserError, match="newer version"):
        library.mine()
    empty.write_bytes(b"no library" * 100)
    for ask in (library.mine, lambda: library.put(ONE)):
        with pytest.raises(UserError, match="no library of sources"):
            ask()
    monkeypatch.setenv("HEADSTART_LIBRARY", str(tmp_path))
    with pytest.raises(UserError, match="cannot be used"):
        library.put(ONE)


def _forked(work):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def test_two_processes_write_at_once():
    def write(letter):
        for number in range(15):
            library.put(replace(ONE, path=f"/runs/{letter}/{number}"))
            library.put_gain(ONE.path, replace(GAIN, run=f"/{letter}/{number}"))

    children = [_forked(lambda letter=letter: write(letter)) for letter in "ab"]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    assert len(library.mine()) == len(library.gains_of(ONE.path)) == 30
    assert len({one.name for one in library.mine()}) == 30


def test_a_change_waits_for_another_that_has_only_read_so_far():
    """Were both to read first, neither could write: each would hold what the other waits for."""
    library.put(ONE)
    other = threading.Thread(target=lambda: library.put(replace(ONE, path="/runs/other")))
    with library._changing() as base:
        base.execute("SELECT name FROM sources").fetchall()
        other.start()
        time.sleep(0.3)
        base.execute("DELETE FROM sources WHERE path = ?", (ONE.path,))
    other.join()
    assert [one.path for one in library.mine()] == ["/runs/other"]


@pytest.mark.parametrize("number", range(6))
def test_a_kill_at_any_moment_leaves_a_whole_library(empty, number):
    library.put(ONE)

    def write():
        for count in range(10_000):
            library.put(replace(ONE, path=f"/runs/{count}"))
            library.put_gain(f"/runs/{count}", replace(GAIN, run=str(count)))

    child = _forked(write)
    while len(library.mine()) < 2 + number:
        time.sleep(0.001)
    time.sleep(0.0007 * number)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = library.mine()
    assert sorted(int(one.path[6:]) for one in found if one.path != ONE.path) == list(range(len(found) - 1))
    library.put(replace(ONE, path="/after"))
    with sqlite3.connect(empty) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert [path.name for path in empty.parent.iterdir()] == [empty.name]
