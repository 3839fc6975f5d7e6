"""Measure Headstart on the pairs: ``python -m benchmarks.domains.measure surf digits --labels 0``.

Cells that ``results/`` has are skipped; ``--again NAME`` measures a method's cells anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from benchmarks.domains import records
from benchmarks.domains.pairs import LOADERS, TABLES, Pair, pairs
from benchmarks.domains.tasks import Contender, Task, task
from benchmarks.domains.trial import attempt

CAP = 240.0
"""CPU seconds that one cell may take."""
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
) -> None:
    """Append every cell that is missing from ``folder/NAME.jsonl``."""
    from benchmarks.domains.contenders import contenders  # not there in the peers' environment

    done = {records.key(r) for r in records.read(name, folder) if r["method"] not in again}
    for pair in of:
        for seed in seeds:
            given = task(pair, labels, seed)
            for contender in contenders(pair, labels):
                key = (pair.benchmark, pair.name, "headstart", contender.method, contender.head, labels, seed)
                if key in done or (only and contender.method not in only):
                    continue
                record = cell(contender, given, seed=seed, cap=cap)
                records.append(name, record, folder)
                print(line(record), flush=True)


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
    parser.add_argument("--cap", type=float, default=CAP)
    options = parser.parse_args()
    for labels in options.labels:
        for benchmark in options.benchmarks:
            if labels and benchmark not in TABLES:
                continue
            name = benchmark if labels == 0 else f"{benchmark}_labels"
            seeds = options.seeds if labels else [0]
            again, only = tuple(options.again), tuple(options.only)
            measure(pairs(benchmark), labels, seeds, name=name, again=again, only=only, cap=options.cap)


if __name__ == "__main__":
    main()
