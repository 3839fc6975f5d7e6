"""Measure Headstart on the pairs: ``python -m benchmarks.domains.measure surf digits --labels 0``.

Cells that ``results/`` has are skipped; ``--again NAME`` measures a method's cells anew, ``--stale`` those of every
method whose code has changed since.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.domains import records
from benchmarks.domains.pairs import LOADERS, TABLES, Pair, pairs
from benchmarks.domains.tasks import Contender, Task, task
from benchmarks.domains.trial import attempt

CAP = 240.0
"""CPU seconds that one cell may take."""
RACE_CAP = 900.0
"""CPU seconds that the automatic choice may take, which fits a dozen methods twice."""
SEEDS = (0, 1, 2, 3, 4)
FEW_LABELS = (5, 20, 100)


def cell(contender: Contender, given: Task, *, seed: int, cap: float = CAP, library: str = "headstart") -> dict:
    """Return the record of one contender on one task."""
    pair, labels = given.pair, len(given.known)
    packages = ("headstart", "numpy", "scipy", "scikit-learn", "pot", "skada", "adapt")
    about = {
        "benchmark": pair.benchmark,
        "pair": pair.name,
        "library": library,
        "method": contender.method,
        "head": contender.head,
        "labels": labels,
        "seed": seed,
        "kind": pair.kind,
        "n_source": pair.source_x.shape[0],
        "n_target": pair.target_x.shape[0],
        "n_test": len(given.test),
    }

    def run() -> dict:
        answer = contender.run(given)
        more = {}
        if isinstance(answer, tuple):
            answer, more = answer
        return records.scores(given.truth, answer, pair.kind, rows=labels == 0) | more

    outcome = attempt(run, cap) if cap else {}
    measured = outcome.pop("value", {})
    outcome.pop("gigabytes", None), outcome.pop("before", None)
    return about | measured | outcome | records.about(*packages)


def measure(
    of: Iterable[Pair],
    labels: int,
    seeds: Iterable[int],
    *,
    name: str,
    folder: Path = records.RESULTS,
    again: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
    cap: float = CAP,
    renew: bool = False,
) -> None:
    """Append every cell that is missing from ``folder/NAME.jsonl``; with ``renew``, those of changed methods too."""
    from benchmarks.domains.contenders import contenders  # not there in the peers' environment

    found = [r for r in records.read(name, folder) if r["method"] not in again]
    done = {records.key(r) for r in found if not (renew and stale(r))}
    for pair in of:
        for seed in seeds:
            given = task(pair, labels, seed)
            for contender in contenders(pair, labels):
                key = (pair.benchmark, pair.name, "headstart", contender.method, contender.head, labels, seed)
                if key in done or (only and contender.method not in only):
                    continue
                most = max(cap, RACE_CAP) if contender.method == "auto" else cap
                record = cell(contender, given, seed=seed, cap=most)
                records.append(name, record, folder)
                print(line(record), flush=True)


_LINEAR = ("shallow/heads/tuned", "functional/folds", "functional/linear")
LINEAR = tuple(f"src/headstart/{part}" for part in _LINEAR)


@cache
def changed(commit: str) -> frozenset[str]:
    """Return the files under src/ that differ from a commit."""
    command = ["git", "diff", "--name-only", commit, "--", "src"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return frozenset(found.stdout.split())


def stale(record: dict) -> bool:
    """Return whether a method's own file, or the choice's, is another than when the cell was measured."""
    from headstart.catalogue import METHODS

    paths: dict[str, Any] = {e.name: "src/" + e.path.split(":")[0].replace(".", "/") for e in METHODS}
    paths |= dict.fromkeys(("source_only", "source_only_standardised", "target_supervised"), LINEAR)
    path = (paths | {"auto": "src/headstart/choice"}).get(record["method"])
    return path is not None and any(name.startswith(path) for name in changed(record["commit"]))


def line(record: dict) -> str:
    """Return one cell in a line."""
    where = " ".join(str(record[k]) for k in ("benchmark", "pair", "labels", "seed", "library", "method", "head"))
    if "failed" in record:
        return f"{where}: {record['failed']}"
    value = f"{100 * record['accuracy']:.1f}%" if "accuracy" in record else f"MAE {record['mae']:.3f}"
    return f"{where}: {value} in {record['seconds']:.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmarks", nargs="*", default=list(LOADERS))
    parser.add_argument("--labels", type=int, nargs="*", default=[0, *FEW_LABELS])
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--again", nargs="*", default=[])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--stale", action="store_true", help="measure cells anew whose method has changed")
    parser.add_argument("--cap", type=float, default=CAP)
    options = parser.parse_args()
    for labels in options.labels:
        for benchmark in options.benchmarks:
            if labels and benchmark not in TABLES:
                continue
            name = benchmark if labels == 0 else f"{benchmark}_labels"
            seeds = options.seeds if labels else [0]
            again, only = tuple(options.again), tuple(options.only)
            flags = {"again": again, "only": only, "cap": options.cap, "renew": options.stale}
            measure(pairs(benchmark), labels, seeds, name=name, **flags)


if __name__ == "__main__":
    main()
