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
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return np.array([record["train_loss"] for record in records])


def test_two_processes_give_the_losses_of_one(digits_folder, tmp_path):
    one = fit(digits_folder, tmp_path / "one")
    launch = ["accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision"]
    two = fit(digits_folder, tmp_path / "two", *launch, "no", "--dynamo_backend", "no", "-m")
    assert len(one) > 6
    np.testing.assert_allclose(one, two, rtol=2e-3, atol=2e-4)
