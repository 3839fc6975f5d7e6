"""Two processes train what one trains."""

import json
import os
import socket
import subprocess
import sys
from multiprocessing import get_context

import numpy as np
import pytest
from accelerate import PartialState

import headstart

# The weights stand still at this rate, so that every loss tells which samples it was the mean of. At a rate that
# learns, two sums in another order part within a dozen steps, on some processors further than any tolerance.
STILL = 1e-9


def fit(data, out, places=()):
    PartialState._reset_state()
    os.environ.update(places)
    options = {"method": "finetune", "arms": ("chosen",), "epochs": 2, "batch_size": 8, "device": "cpu"}
    headstart.fit(data, source="headstart/glyphs", learning_rate=STILL, out=out, **options)


def forked(*arguments):
    process = get_context("fork").Process(target=fit, args=arguments)
    process.start()
    return process


def split(data, out):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    places = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    ranks = [
        forked(data, out, places | {"RANK": rank, "LOCAL_RANK": rank, "ACCELERATE_USE_CPU": "true"}) for rank in "01"
    ]
    for process in ranks:
        process.join()


def launched(data, out):
    # On a CPU, accelerate starts several processes without MPI under --multi_gpu alone.
    command = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    command += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0", "-m", "headstart"]
    command += ["fit", str(data), "--source", "headstart/glyphs", "--method", "finetune", "--arms", "chosen"]
    command += ["--epochs", "2", "--batch-size", "8", "--learning-rate", str(STILL), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", *command, "--device", "cpu"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]


def seen(out):
    used = json.loads((out / "run.json").read_text())["arms"]["finetune"]["settings"]["processes"]
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    names = ("train_loss", "validation_loss", "validation_score")
    return used, np.array([[record[name] for name in names] for record in records], dtype=float)


@pytest.mark.slow  # tests/engine/test_processes.py trains by two processes in the fast suite
@pytest.mark.parametrize("start", [split, launched])
def test_two_processes_see_the_batches_of_one(digits_folder, tmp_path, start):
    forked(digits_folder, tmp_path / "one").join()
    start(digits_folder, tmp_path / "two")
    (alone, one), (ranks, two) = seen(tmp_path / "one"), seen(tmp_path / "two")
    assert (alone, ranks) == (1, 2)
    assert len(one) > 6
    np.testing.assert_allclose(one, two, rtol=1e-4)
