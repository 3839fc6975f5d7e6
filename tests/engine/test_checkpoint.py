"""Stopped at any moment and resumed: the same bits."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import signal
import time

import pytest
import torch
from engine_job import Gradual, alone, digest, forked, job
from engine_tiny import Plain

from headstart.engine.checkpoint import Checkpoint, read_checkpoint
from headstart.errors import UserError
from headstart.storage import load_tensors, save_tensors, sync_names


class Stop(Exception):
    pass


def stop_at(step):
    def on_step(record):
        if record["step"] == step and "validation_loss" not in record:
            raise Stop

    return on_step


@pytest.mark.parametrize("moments", [(1,), (7, 8, 9), (6, 12), (20,)])
def test_resumed_gives_the_same_bits(tmp_path, moments):
    whole = job(tmp_path / "whole")
    for step in moments:
        with pytest.raises(Stop):
            job(tmp_path / "cut", on_step=stop_at(step))
    again = job(tmp_path / "cut")
    assert digest(again) == digest(whole)
    assert again.best_step == whole.best_step
    numbers = [[(r["step"], r["train_loss"], r["validation_loss"]) for r in run.history] for run in (whole, again)]
    assert numbers[0] == numbers[1]


def test_a_finished_training_is_not_trained_again(tmp_path):
    whole, steps = job(tmp_path), []
    again = job(tmp_path, on_step=steps.append)
    assert steps == []
    assert digest(again) == digest(whole)
    assert (again.stopped, again.steps, again.history) == (whole.stopped, whole.steps, whole.history)


def wait_for_step(folder, step, process):
    while process.is_alive():
        time.sleep(0.005)
        if (folder / "step").exists() and int((folder / "step").read_text() or 0) >= step:
            return


@pytest.mark.slow
def test_killed_at_random_moments_gives_the_same_bits(tmp_path):
    whole = digest(job(tmp_path / "whole"))
    folder = tmp_path / "killed"
    folder.mkdir()
    chance = random.Random(0)
    for step in (1, 5, 12, 13, 20):
        process = forked(alone, folder)
        wait_for_step(folder, step, process)
        time.sleep(chance.uniform(0, 0.03))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    forked(alone, folder).join()
    assert json.loads((folder / "done.json").read_text()) == ["finished", 24, whole]


def test_ctrl_c_ends_cleanly_and_resumes(tmp_path):
    whole = digest(job(tmp_path / "whole"))
    process = forked(alone, tmp_path)
    wait_for_step(tmp_path, 8, process)
    os.kill(process.pid, signal.SIGINT)
    process.join()
    stopped, steps, _ = json.loads((tmp_path / "done.json").read_text())
    assert stopped == "interrupted"
    assert 8 <= steps < 24
    assert digest(job(tmp_path)) == whole


def test_a_damaged_checkpoint_is_refused_by_name(tmp_path):
    with pytest.raises(Stop):
        job(tmp_path, on_step=stop_at(5))
    path = tmp_path / "training.safetensors"
    good = path.read_bytes()
    for broken in (good[: len(good) // 2], good[:-4] + bytes(b ^ 255 for b in good[-4:]), b""):
        path.write_bytes(broken)
        with pytest.raises(UserError, match=r"training\.safetensors.*delete it"):
            job(tmp_path)


def test_a_checkpoint_of_another_training_is_refused_and_the_difference_named(tmp_path):
    with pytest.raises(Stop):
        job(tmp_path, on_step=stop_at(5))
    with pytest.raises(UserError, match="differs in: steps"):
        job(tmp_path, steps=30)
    with pytest.raises(UserError, match="method"):
        job(tmp_path, method=Plain())
    with pytest.raises(UserError, match="parameters"):
        job(tmp_path, method=Gradual(frozen=1))
    with pytest.raises(UserError, match="weights"):
        job(tmp_path, norm="group")


def test_a_checkpoint_round_trip(tmp_path):
    path = tmp_path / "c.safetensors"
    assert read_checkpoint(path, {}) is None
    key, weights = {"steps": 3}, {"a:b.c": torch.arange(3.0)}
    Checkpoint(key, 2, False, weights, {"all/0/step": torch.tensor(2.0)}, {}, {"x": [1.5]}).write(path)
    found = read_checkpoint(path, key)
    assert found is not None
    assert (found.step, found.finished, found.state) == (2, False, {"x": [1.5]})
    assert torch.equal(found.nets["a:b.c"], weights["a:b.c"])
    assert float(found.optimizers["all/0/step"]) == 2.0


class Poisoned(Plain):
    """Its loss is not finite from half the training on."""

    def loss(self, nets, batch, progress):
        losses = super().loss(nets, batch, progress)
        return losses if progress < 0.5 else {"task": losses["task"] * float("inf")}


def test_the_last_good_checkpoint_is_kept_when_the_loss_is_not_finite(tmp_path):
    with pytest.raises(UserError, match=r"step 13 of 24.*last good checkpoint"):
        job(tmp_path, method=Poisoned())
    tensors, about = load_tensors(tmp_path / "training.safetensors")
    assert about["step"] == 12
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())


def small_disk(folder):
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, former[1]))
    try:
        job(folder)
    except UserError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
        (folder / "said").write_text(str(error))


def test_a_full_disk_is_one_sentence_and_leaves_no_file(tmp_path):
    forked(small_disk, tmp_path).join()
    assert "Could not write" in (tmp_path / "said").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["said"]


EDITS = {
    "key": [None, 3],
    "step": ["4", -1, 2.5, 10**30],
    "finished": [0, "no"],
    "state": [None, {}, {"seconds": "x"}],
    "state.curve": [None, {"strange": 1}],
    "state.parts": [0, "x", None],
    "state.notes": [3, [3]],
    "state.held": [None, 3],
}


@pytest.mark.parametrize("place", EDITS)
def test_an_edited_checkpoint_is_one_sentence(tmp_path, place):
    with pytest.raises(Stop):
        job(tmp_path, on_step=stop_at(7))
    path = tmp_path / "training.safetensors"
    tensors, about = load_tensors(path)
    for value in EDITS[place]:
        other = json.loads(json.dumps(about))
        inner, last = (other["state"], place.removeprefix("state.")) if "." in place else (other, place)
        inner[last] = value
        save_tensors(path, tensors, other)
        with pytest.raises(UserError, match=r"delete it to train anew\.$"):
            job(tmp_path)
    save_tensors(path, {name: tensor.reshape(-1)[:0] for name, tensor in tensors.items()}, about)
    with pytest.raises(UserError, match=r"cannot be used .*; delete it to train anew\.$"):
        job(tmp_path)


def test_equal_tensors_and_metadata_are_equal_bytes(tmp_path):
    """The library writes metadata in an order of chance, another one every time."""
    told = {name: ["é", {'"': 1}] for name in "abcdefgh"}
    for number in range(4):
        save_tensors(tmp_path / f"{number}", {"x": torch.arange(3)}, told)
    first, *others = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert {*others} == {first}
    tensors, found = load_tensors(tmp_path / "0")
    assert torch.equal(tensors["x"], torch.arange(3))
    assert {name: found[name] for name in told} == told


def test_a_disk_that_is_full_when_names_are_synced_is_one_sentence(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="the disk is full"):
        sync_names(tmp_path)
