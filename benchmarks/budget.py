"""What a default fit costs: CPU seconds of ``headstart fit`` on five classes of pictures, 3.5 M parameters.

``python -m benchmarks.budget [5] [100]`` (labels per class) needs HEADSTART_DATA; it writes the pictures, runs the
command in a process of its own with an empty cache and one thread, and adds a line to
``benchmarks/results/budget``. With ``--budget 60s`` it also says by how much the wall time left the budget.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import machine, store
from benchmarks.views import OFFICE, WEIGHTS, data_folder, from_tar, office

AIMS = {5: 60.0, 100: 400.0}
TEST = 30
"""Test pictures per class."""


def write_pictures(folder: Path, per_class: int) -> None:
    """Write ``per_class`` training and 30 test pictures of each of five classes of two office domains."""
    train, test = from_tar(OFFICE, lambda name: office(name, "amazon") or office(name, "caltech10"), 0.25)
    for part, pictures, most in (("train", train, per_class), ("test", test, TEST)):
        counts: dict[str, int] = {}
        for label, picture in pictures:
            number = counts[label] = counts.get(label, 0) + 1
            if number <= most:
                path = folder / part / label / f"{number}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                picture.save(path, quality=92)


def measure(per_class: int, budget: str | None) -> dict[str, object]:
    """Run one default fit; return its CPU and wall seconds and what it said."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pictures(folder / "pictures", per_class)
        command = [sys.executable, "-m", "headstart", "fit", str(folder / "pictures"), "--out", str(folder / "run")]
        command += ["--source", f"file:{data_folder() / WEIGHTS}", "--network", "torchvision/mobilenet_v2"]
        command += ["--device", "cpu", *(["--budget", budget] if budget else [])]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        environment = os.environ | threads | {"HEADSTART_CACHE": str(folder / "cache")}
        before, start = _cpu(), time.monotonic()
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        used = {"cpu": round(_cpu() - before, 1), "wall": round(time.monotonic() - start, 1)}
        run = json.loads((folder / "run" / "run.json").read_text())
    arms = {
        arm: {key: value.get(key) for key in ("steps", "most_steps", "stopped", "seconds")}
        for arm, value in run["arms"].items()
    }
    about = {"labels": per_class, "budget": budget, "arms": arms, "plan": run["plan"]["reasons"]}
    return about | used | machine.describe("torch", "torchvision", "headstart")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("labels", type=int, nargs="*", default=[5, 100])
    parser.add_argument("--budget", default=None)
    asked = parser.parse_args()
    for labels in asked.labels:
        record = measure(labels, asked.budget)
        store.append("budget", record)
        aim = AIMS.get(labels)
        word = "" if aim is None or asked.budget else "won " if float(str(record["cpu"])) < aim else "LOST"
        print(
            f"{word} {labels} labels per class: {record['cpu']} CPU s, {record['wall']} s wall, aim {aim}", flush=True
        )


if __name__ == "__main__":
    main()
