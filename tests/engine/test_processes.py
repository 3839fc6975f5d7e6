"""Two processes train as one does with the same global batch."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from engine_job import forked, rank_of_two, several


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def launched(folder, port):
    job = str(Path(__file__).parent / "engine_job.py")
    launch = [
        "-m",
        "accelerate.commands.launch",
        "--multi_gpu",
        "--num_processes",
        "2",
        "--main_process_port",
        str(port),
    ]
    done = subprocess.run([sys.executable, *launch, job, str(folder)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


def split(folder, port):
    ranks = [forked(rank_of_two, rank, port, folder) for rank in (0, 1)]
    for process in ranks:
        process.join()


@pytest.mark.parametrize("start", [split, pytest.param(launched, marks=pytest.mark.slow)])
def test_two_processes_train_as_one(tmp_path, port, start):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    forked(several, one).join()
    start(two, port)
    alone = json.loads((one / "rank0.json").read_text())
    ranks = [json.loads((two / f"rank{rank}.json").read_text()) for rank in (0, 1)]
    assert [rank["processes"] for rank in ranks] == [2, 2]
    assert [rank["written"] for rank in ranks] == [True, True], "a process left before the checkpoint was written"
    halves = zip(*(rank["batches"] for rank in ranks), strict=True)
    assert [[a + b for a, b in zip(*pair, strict=True)] for pair in halves] == alone["batches"]
    assert ranks[0]["losses"] == pytest.approx(alone["losses"], rel=1e-4)
    assert ranks[0]["scores"] == pytest.approx(alone["scores"], rel=1e-4)
    assert len(alone["gradient"]) > 4
    for mine, whole in zip(ranks[1]["gradient"], alone["gradient"], strict=True):
        assert mine == pytest.approx(whole, rel=1e-3, abs=1e-5)
    assert ranks[0]["weights"] == ranks[1]["weights"]
    assert ranks[1]["losses"] == []
    assert ranks[0]["domains"] == pytest.approx(alone["domains"], rel=1e-4)
    assert ranks[0]["domains_weights"] == ranks[1]["domains_weights"]
    assert alone["refused"] == ""
    assert all("which 2 processes would share out" in rank["refused"] for rank in ranks)
    assert ranks[0]["cut"] == ranks[1]["cut"] == alone["cut"]
    assert alone["cut"][1] == "budget"
    assert 1 < alone["cut"][0] < 24
