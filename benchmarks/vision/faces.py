"""Who is who on the ORL faces: ``python -m benchmarks.vision.faces``, with ``HEADSTART_DATA``.

Half of the forty people are measured, a fifth choose, the rest are learned from; each seed draws its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tarfile
import tempfile
from pathlib import Path

import numpy as np

import headstart as hs
from headstart.report.verification import RATES

WEIGHTS = "weights/imagenet_mobilenet_v2/mobilenet_v2_torchvision_bn.safetensors"


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(people: Path, seed: int, budget: str, out: Path) -> dict:
    """Fit once, and return every arm's recognition and rates, and the CPU seconds of the whole."""
    began = cpu_seconds()
    source = f"file:{Path(os.environ['HEADSTART_DATA']) / WEIGHTS}"
    run = hs.fit(
        people, task="verification", source=source, network="torchvision/mobilenet_v2", seed=seed, budget=budget,
        out=out / f"seed-{seed}", quiet=True,
    )  # fmt: skip
    assert run is not None
    told = run.result["verification"]
    arms = {
        arm: {"accuracy": run.arms[arm]["test"]["accuracy"], **{rate: one[rate]["value"] for rate in RATES}}
        for arm, one in told["arms"].items()
    }
    return {"seed": seed, "kept": told["kept"], "cpu_seconds": cpu_seconds() - began, "arms": arms}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", default="15m")
    parser.add_argument("--out", type=Path, help="a file of JSON lines")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        people = Path(place) / "orl"
        with tarfile.open(Path(os.environ["HEADSTART_DATA"]) / "faces_orl/orl_faces.tar.gz") as archive:
            archive.extractall(people, filter="data")
        found = []
        for seed in range(asked.seeds):
            found.append(measure(people, seed, asked.budget, Path(place)))
            if asked.out is not None:
                asked.out.write_text("".join(json.dumps(one) + "\n" for one in found))
    print(f"{asked.seeds} seeds, {np.mean([one['cpu_seconds'] for one in found]):.0f} CPU s each; mean (lowest)")
    for arm in found[0]["arms"]:
        values = {name: [one["arms"][arm][name] for one in found] for name in ("accuracy", *RATES)}
        told = ", ".join(f"{name} {100 * np.mean(some):.1f}% ({100 * min(some):.1f})" for name, some in values.items())
        print(f"{arm} (kept {sum(one['kept'] == arm for one in found)} times): {told}")


if __name__ == "__main__":
    main()
