"""The tables of pages in docs/: ``python -m benchmarks.pages [NAME ...]`` measures what is missing, and prints them.

A study has a file of its own here, named as its page, with ``cells()`` and ``tables(records)``. What is measured lies
in ``results/NAME.jsonl.xz``; ``--again`` measures everything anew, ``--out`` keeps the results elsewhere. One thread.
"""

from __future__ import annotations

import argparse
import importlib
import time
import warnings
from pathlib import Path
from types import ModuleType

from benchmarks import store
from benchmarks.domains.records import about
from benchmarks.pages.cells import Record

HERE = Path(__file__).resolve().parent
STUDIES = ("unsupervised", "parameters", "heterogeneous")
BY_HAND = ("test-time", "watch")
"""Measured when they are named; no page shows their tables yet."""
PACKAGES = ("headstart", "numpy", "scipy", "scikit-learn", "pot")


def study_of(name: str) -> ModuleType:
    """Return the module of a study."""
    return importlib.import_module(f"benchmarks.pages.{name.replace('-', '_')}")


def measured(name: str, out: Path, again: bool) -> list[Record]:
    """Return a study's records, one per cell, after measuring those that are missing."""
    study = study_of(name)
    found = [] if again else store.read(name, out)
    if again:
        for path in out.glob(f"{name}.jsonl*"):
            path.unlink()
    records = []
    for cell in study.cells():
        same = [record for record in found if cell.names.items() <= record.items()]
        if not same:
            start = time.process_time()
            same = [cell.names | cell.measure() | {"seconds": round(time.process_time() - start, 2)} | about(*PACKAGES)]
            store.append(name, same[0], out)
        records.append(same[-1])
    if (out / f"{name}.jsonl").exists():
        store.pack(name, out)
    return records


def when(records: list[Record]) -> str:
    """Say when, on what and how long it was measured."""
    dates, machines = (sorted({record[key] for record in records}) for key in ("date", "machine"))
    days = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    seconds = sum(record["seconds"] for record in records)
    return f"Measured {days} on {'; '.join(machines)}; {seconds:.0f} CPU s in all, one thread."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*STUDIES, *BY_HAND)))
    parser.add_argument("--again", action="store_true", help="measure everything anew")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the results")
    asked = parser.parse_args()
    if unknown := set(asked.names) - {*STUDIES, *BY_HAND}:
        raise SystemExit(
            f"There is no study {', '.join(sorted(unknown))}; there are {', '.join((*STUDIES, *BY_HAND))}."
        )
    warnings.simplefilter("ignore")
    for name in asked.names or STUDIES:
        records = measured(name, asked.out, asked.again)
        print(f"## docs/{name}.md\n\n{study_of(name).tables(records)}\n")
        print(f"{when(records)}\n")


if __name__ == "__main__":
    main()
