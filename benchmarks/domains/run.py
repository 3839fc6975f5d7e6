"""All of the benchmark across domains: ``make bench-domains``. An interrupted run continues where it stopped.

``--fresh`` forgets what was measured before. The pairs need HEADSTART_DATA; time and memory are measured without it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.domains.records import RESULTS

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "build/domains-peers/bin/python"
BENCHMARKS = ("heart", "digits", "wine", "bike", "surf", "googlenet", "adult", "mobilenet", "amazon_text", "amazon")
"""Cheap ones first."""


def module(python: str | Path, name: str, *arguments: str) -> None:
    """Run a module in an environment, on one thread, offline."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    if str(python) == str(PEERS):
        environment["PYTHONPATH"] = "src"
    subprocess.run([str(python), "-W", "ignore", "-m", name, *arguments], cwd=ROOT, env=environment, check=True)


def main() -> None:
    if "--fresh" in sys.argv:
        for path in RESULTS.glob("*.jsonl"):
            path.unlink()
    subprocess.run(["sh", "benchmarks/domains/setup.sh"], cwd=ROOT, check=True)
    if os.environ.get("HEADSTART_DATA"):
        for benchmark in BENCHMARKS:
            module(sys.executable, "benchmarks.domains.measure", benchmark)
            for library in ("skada", "adapt"):
                module(PEERS, "benchmarks.domains.peers", benchmark, "--library", library)
    else:
        print("HEADSTART_DATA is not set: the pairs are left out.")
    module(sys.executable, "benchmarks.domains.scale", "compare", "curves")
    module(sys.executable, "benchmarks.domains.render")


if __name__ == "__main__":
    main()
