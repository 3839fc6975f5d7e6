"""One owner at a time, and a former run that stays until the new one is finished."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

import headstart as hs
from headstart.errors import HeadstartWarning, UserError
from headstart.workflow.lock import Lock, Owner, holder
from headstart.workflow.site import begun_run, former, new_run, replacement

HOLD = """
import sys, time
from pathlib import Path
from headstart.workflow.lock import Lock
with Lock.take(Path(sys.argv[1]), Path("runs/held")):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def held(tmp_path):
    """The lock of a run in another process."""
    path = tmp_path / "run" / "state" / "lock"
    path.parent.mkdir(parents=True)
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield path, process
    process.kill()
    process.wait()
    process.stdout.close()


def fit(data, out, **options):
    options = {"source": "headstart/glyphs", "method": "probe", "arms": "probe", "quiet": True} | options
    return hs.fit(data, out=out, **options)


@pytest.fixture(scope="module")
def finished(few_digits, tmp_path_factory):
    return fit(few_digits, tmp_path_factory.mktemp("finished") / "run").path


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_held_run_names_its_owner_and_a_killed_owner_holds_nothing(held):
    path, process = held
    assert holder(path).pid == process.pid
    with pytest.raises(UserError, match=f"run is being worked on by process {process.pid} on "):
        Lock.take(path, path.parent.parent)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert holder(path) is None
    Lock.take(path, path.parent.parent).release()
    assert not path.exists()


def test_a_run_is_held_within_one_process_too(tmp_path):
    with Lock.take(tmp_path / "state" / "lock", tmp_path), pytest.raises(UserError, match=str(os.getpid())):
        Lock.take(tmp_path / "state" / "lock", tmp_path)


@pytest.mark.parametrize(("age", "free"), [(0, False), (3600, True)])
def test_an_owner_on_another_machine_counts_as_long_as_it_gives_signs_of_life(tmp_path, age, free):
    path = tmp_path / "state" / "lock"
    path.parent.mkdir()
    path.write_text(json.dumps({"pid": 1, "host": "elsewhere", "born": 1.0, "since": "yesterday"}))
    os.utime(path, (time.time() - age,) * 2)
    assert (holder(path) is None) == free
    if free:
        Lock.take(path, tmp_path).release()
    else:
        with pytest.raises(UserError, match=r"process 1 on elsewhere since yesterday.*sign of life"):
            Lock.take(path, tmp_path)


def test_the_helpers_of_a_main_process_take_no_lock(held, monkeypatch):
    path, _ = held
    (path.parent / "arguments.json").write_text("{}")
    monkeypatch.setenv("RANK", "1")
    with begun_run(path.parent.parent) as site:
        assert site.work == path.parent.parent
        assert site.hand_over(None) is None


def test_a_number_that_is_used_again_is_not_the_owner():
    here = Owner.here()
    assert here.is_alive
    assert not Owner(here.pid, here.host, here.born - 100, here.since).is_alive


def test_a_live_run_is_neither_replaced_nor_resumed_nor_read(held, few_digits):
    path, process = held
    run = path.parent.parent
    (path.parent / "arguments.json").write_text("{}")
    for act in (
        lambda: fit(few_digits, run, force=True),
        lambda: hs.resume(run),
        lambda: hs.load(run),
    ):
        with pytest.raises(UserError, match=f"process {process.pid} "):
            act()
    assert names(run) == ["state"]
    assert names(run.parent) == ["run"]


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fail(out, *, force, trained):
    with new_run(out, {"verb": "fit"}, force=force) as site:
        (site.work / "plan.json").write_text("{}")
        if trained:
            (site.work / "state" / "probe").mkdir()
            (site.work / "state" / "probe" / "checkpoint.safetensors").write_text("weights")
        raise OSError("the machine is on fire")


@pytest.mark.parametrize("trained", [False, True])
def test_a_failed_replacement_leaves_the_former_run(run, trained):
    before = content(run)
    with pytest.raises(OSError, match="fire"):
        fail(run, force=True, trained=trained)
    assert content(run) == before
    assert replacement(run).exists() == trained
    with new_run(run, {"verb": "fit"}, force=True) as site:
        assert names(site.work) == ["state"]


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_what_fails_before_anything_is_learned_leaves_nothing(tmp_path, trained, there):
    out = tmp_path / "run"
    if there:
        out.mkdir()
    with pytest.raises(OSError, match="fire"):
        fail(out, force=False, trained=trained)
    assert out.exists() == (there or trained)
    assert (out / "state" / "arguments.json").exists() == trained
    assert trained or not there or names(out) == []


def test_while_a_run_is_replaced_the_former_answers_and_says_so(run, few_digits):
    arguments = {"verb": "fit"}
    with new_run(run, arguments, force=True) as site:
        assert site.work == replacement(run)
        with pytest.warns(HeadstartWarning, match=f"being replaced by process {os.getpid()} "):
            found = hs.load(run)
        assert found.model.predict(few_digits / "test" / "1")
        with pytest.raises(UserError, match="is being made by"):
            fit(few_digits, run, force=True)
    with pytest.warns(HeadstartWarning, match="stopped before it was finished"):
        hs.load(run)


def test_force_replaces_and_leaves_nothing_beside(run, few_digits):
    assert fit(few_digits, run, force=True, seed=4).path == run
    assert hs.load(run).result["seed"] == 4
    assert names(run.parent) == ["run"]
    assert names(run / "state") == ["arguments.json"]


def test_without_force_nothing_is_touched(run, few_digits):
    with pytest.raises(UserError, match="--force"):
        fit(few_digits, run)
    (run.parent / "mine").mkdir()
    (run.parent / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="not a run"):
        fit(few_digits, run.parent / "mine", force=True)
    assert names(run.parent / "mine") == ["letter.txt"]


@pytest.mark.parametrize("moment", ["before the first rename", "between the renames", "before the former goes"])
def test_a_swap_that_was_killed_is_done_by_resume(run, finished, moment):
    shutil.copytree(finished, replacement(run))
    result = json.loads((run / "run.json").read_text()) | {"seed": 77}
    (replacement(run) / "run.json").write_text(json.dumps(result))
    if moment != "before the first rename":
        run.rename(former(run))
    if moment == "before the former goes":
        replacement(run).rename(run)
    if moment == "between the renames":
        with pytest.raises(UserError, match="resume"):
            hs.load(run)
    assert hs.resume(run).result["seed"] == 77
    assert hs.load(run).result["seed"] == 77
    assert names(run.parent) == ["run"]


def test_out_that_is_no_folder(few_digits, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    places = {
        "file": "is a file",
        "dangling": "is a link to",
        "loop": "is a link to",
        "n" * 300: "too long",
        "file/x": "file",
    }
    for name, said in places.items():
        with pytest.raises(UserError, match=said):
            fit(few_digits, tmp_path / name)
    assert names(tmp_path) == ["dangling", "file", "loop"]


def test_an_out_that_is_a_link_to_a_folder_stays_one(few_digits, run):
    (run.parent / "latest").symlink_to(run)
    fit(few_digits, run.parent / "latest", force=True, seed=6)
    assert (run.parent / "latest").is_symlink()
    assert hs.load(run).result["seed"] == 6


def test_a_run_that_was_replaced_since_it_was_opened_says_so(run, few_digits):
    opened, used = hs.load(run), hs.load(run)
    answers = used.model.predict(few_digits / "test" / "1")
    fit(few_digits, run, force=True, seed=5)
    with pytest.raises(UserError, match="was replaced"):
        opened.model  # noqa: B018
    assert used.model.predict(few_digits / "test" / "1") == answers
    shutil.rmtree(run)
    with pytest.raises(UserError, match="replaced or removed"):
        opened.model  # noqa: B018
