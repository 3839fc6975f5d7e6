"""Two processes train what one trains."""

import json
import os
import subprocess
import sys

import numpy as np


def fit(data, out, *launcher):
    arguments = ["fit", str(data), "--source", "headstart/glyphs", "--method", "finetune", "--arms", "scratch,chosen"]
    arguments += ["--epochs", "3", "--batch-size", "8", "--out", str(out), "--device", "cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *launcher, "headstart", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    used = json.loads((out / "run.json").read_text())["arms"]["finetune"]["settings"]["processes"]
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return used, np.array([record["train_loss"] for record in records])


def test_two_processes_give_the_losses_of_one(digits_folder, tmp_path):
    used, one = fit(digits_folder, tmp_path / "one")
    assert used == 1
    # On a CPU, accelerate starts several processes without MPI under --multi_gpu alone.
    launch = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0", "-m"]
    used, two = fit(digits_folder, tmp_path / "two", *launch)
    assert used == 2
    assert len(one) > 6
    np.testing.assert_allclose(one, two, rtol=2e-3, atol=2e-4)
