"""Time and memory against rows, and TCA beside skada's: ``python -m benchmarks.domains.scale curves compare``.

Made data: ten Gaussian classes of unit spread in 64 dimensions; the target is rotated in a plane, stretched and moved.
Every point is a process of its own on one thread; a curve ends at its first point that takes over 60 CPU seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.domains import records
from benchmarks.domains.pairs import Pair
from benchmarks.domains.tasks import Contender, Task, task
from benchmarks.domains.trial import attempt

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "build/domains-peers/bin/python"
ROWS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
"""Rows of each domain."""
CAP = 60.0


def made(rows: int, features: int = 64, classes: int = 10, *, kind: str = "classification", seed: int = 0) -> Pair:
    """Make a pair of ``rows`` + ``rows``; the labels (or values) follow the classes' centres."""
    random = np.random.default_rng(seed)
    centres = 0.8 * random.normal(size=(classes, features)) / np.sqrt(features / 16)
    labels = [random.integers(classes, size=rows) for _ in range(2)]
    source, target = (centres[y] + random.normal(size=(rows, features)) for y in labels)
    turned = target.copy()
    turned[:, 0], turned[:, 1] = 0.8 * target[:, 0] - 0.6 * target[:, 1], 0.6 * target[:, 0] + 0.8 * target[:, 1]
    target = turned * np.linspace(0.7, 1.3, features) + 0.5
    if kind == "regression":
        labels = [centres[y, 0] + 0.1 * random.normal(size=rows) for y in labels]
    return Pair("made", f"{rows}+{rows} x {features}", source, labels[0], target, target, labels[1], kind)


def point(contender: Contender, given: Task, library: str = "headstart", cap: float = CAP) -> dict[str, Any]:
    """Return time, memory above the data's, and the outcome of one method at one size."""

    def run() -> dict[str, Any]:
        answer = contender.run(given)
        answer = answer[0] if isinstance(answer, tuple) else answer
        return records.scores(given.truth, answer, given.pair.kind, rows=False)

    pair = given.pair
    outcome = attempt(run, cap)
    measured = outcome.pop("value", {})
    if "gigabytes" in outcome:
        outcome["gigabytes"] = round(outcome["gigabytes"] - outcome.pop("before"), 3)
    about = {"benchmark": "made", "pair": pair.name, "library": library, "method": contender.method}
    about |= {"head": contender.head, "labels": 0, "seed": 0, "kind": pair.kind}
    packages = ("headstart", "numpy", "scipy", "scikit-learn", "pot", "skada", "adapt")
    return (
        about
        | {"rows": len(pair.source_y), "features": pair.source_x.shape[1]}
        | measured
        | outcome
        | (records.about(*packages))
    )


def ours(pair: Pair) -> Iterator[Contender]:
    """Yield every method once, maps with their linear head, and source-only beside them."""
    from benchmarks.domains.contenders import baselines, methods

    yield from (one for one in baselines(pair, 0) if one.method == "source_only" and one.head == "tuned")
    yield from (one for one in methods(pair, 0) if one.head != "1-NN")


def curves(only: tuple[str, ...] = ()) -> None:
    """Append every missing point of every curve."""
    found = {(r["method"], r["rows"]): r for r in records.read("scale")}
    ended = {r["method"] for r in found.values() if "failed" in r}
    for rows in ROWS:
        given = task(made(rows))
        for contender in ours(given.pair):
            name = contender.method
            if (name, rows) in found or name in ended or (only and name not in only):
                continue
            record = point(contender, given)
            records.append("scale", record)
            print(name, rows, record.get("failed") or f"{record['seconds']} s {record['gigabytes']} GB", flush=True)
            if "failed" in record:
                ended.add(name)


def compare(name: str, rows: int, features: int, methods: tuple[str, ...], cap: float) -> None:
    """Append ours and the peers' points at one size, one after the other."""
    given = task(made(rows, features))
    if Path(sys.prefix).resolve() != PEERS.parents[1].resolve():
        chosen = [("headstart", one) for one in ours(given.pair) if one.method in methods]
    else:
        from sklearn import set_config

        from benchmarks.domains.peers import skada

        set_config(enable_metadata_routing=True)
        chosen = [("skada", one) for one in skada(given.pair, 0) if one.method in methods]
    done = {records.key(record) for record in records.read(name)}
    for library, contender in chosen:
        key = ("made", given.pair.name, library, contender.method, contender.head, 0, 0)
        if key not in done:
            record = point(contender, given, library, cap)
            records.append(name, record)
            said = record.get("failed") or f"{record['seconds']} s {record['gigabytes']} GB {record['accuracy']:.4f}"
            print(library, contender.method, given.pair.name, said, flush=True)


SETTINGS = {
    "small": (500, 64, ("tca", "kmm", "ot_entropic", "coral", "subspace_alignment", "ot", "tjm", "kliep"), 120.0),
    "tca": (2_000, 64, ("tca",), 900.0),
    "large": (10_000, 256, ("tca", "jda", "kmm", "ot_entropic"), 60.0),
}


def both(names: list[str]) -> None:
    """Run the comparisons in turn, ours here and the peers' in their environment."""
    for name in names:
        compare(f"scale_{name}", *SETTINGS[name])
        environment = {**os.environ, "PYTHONPATH": "src", "POT_BACKEND_DISABLE_TENSORFLOW": "1"}
        command = [str(PEERS), "-W", "ignore", "-m", "benchmarks.domains.scale", "one", "--setting", name]
        subprocess.run(command, cwd=ROOT, check=False, env=environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="+", choices=["curves", "compare", "one"])
    parser.add_argument("--setting", nargs="*", default=list(SETTINGS))
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    if "curves" in options.what:
        curves(tuple(options.only))
    if "compare" in options.what:
        both(options.setting)
    if "one" in options.what:
        for name in options.setting:
            compare(f"scale_{name}", *SETTINGS[name])


if __name__ == "__main__":
    main()
