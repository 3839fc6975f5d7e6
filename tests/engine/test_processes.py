"""Two processes train as one does with the same global batch."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

JOB = str(Path(__file__).parent / "engine_job.py")


def test_two_processes_give_the_losses_of_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    launch = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--main_process_port", port]
    for command in ([JOB, "several", str(one)], [*launch, JOB, "several", str(two)]):
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
    alone = json.loads((one / "rank0.json").read_text())
    ranks = [json.loads((two / f"rank{rank}.json").read_text()) for rank in (0, 1)]
    assert [rank["processes"] for rank in ranks] == [2, 2]
    assert ranks[0]["losses"] == pytest.approx(alone["losses"], abs=1e-5)
    assert ranks[0]["scores"] == pytest.approx(alone["scores"], abs=1e-5)
    assert ranks[0]["weights"] == ranks[1]["weights"]
    assert ranks[1]["losses"] == []
