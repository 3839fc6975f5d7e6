"""All benchmarks: ``python benchmarks/run.py``, or ``make bench``. An interrupted run continues where it stopped.

``--fresh`` forgets what was measured before. Speed is measured always; peers only where HEADSTART_DATA is set.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".bench/venv/bin/python"
DATA = ("hymenoptera", "amazon10", "books")
"""The sets of the table; cifar10 and movies can be named by hand."""


def module(python: str | Path, name: str, *arguments: str) -> None:
    """Run a module of the benchmarks in an environment, on one thread, offline."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    subprocess.run([str(python), "-W", "ignore", "-m", name, *arguments], cwd=ROOT, env=environment, check=True)


def peers() -> None:
    """Measure every contender, each seed's round in turn, so that the load of the machine falls on all of them."""
    subprocess.run(["sh", "benchmarks/peers/setup.sh"], cwd=ROOT, check=True)
    ours = {"headstart": sys.executable, "headstart+evidence": sys.executable}
    others = {"linear": PEERS, "fastai": PEERS, "trainer": PEERS}
    for seed in ("0", "1", "2"):
        for contender, python in (others | ours).items():
            if contender != "headstart+evidence" or seed == "0":
                names = ["--contender", contender, "--seeds", seed, "--data", *DATA]
                module(python, "benchmarks.peers.run", *names)


def forget() -> None:
    for path in (ROOT / "benchmarks/results").glob("*.jsonl"):
        path.unlink()


def main() -> None:
    if "--fresh" in sys.argv:
        forget()
    module(sys.executable, "benchmarks.speed")
    module(sys.executable, "benchmarks.gpu")
    if os.environ.get("HEADSTART_DATA"):
        peers()
    else:
        print("HEADSTART_DATA is not set: the comparison with peers is left out.")
    module(sys.executable, "benchmarks.render")


if __name__ == "__main__":
    main()
