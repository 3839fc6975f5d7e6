"""Puts faults into the package, one at a time, and sees whether the tests notice: ``make mutants``.

``python tests/mutants/run.py`` checks first that the tests named pass on the package as it is. Then it injects every
mutant of `named.py` against the tests that it names, and ``DRAWN`` faults drawn with a committed seed from the same
rooms (`rooms.py`) against the tests of their file. It ends with 0 if no named mutant survives and at least
``LEAST_KILLED`` of the drawn ones are killed; survivors are printed with their place.
"""

from __future__ import annotations

import argparse
import sys
import time

from drawing import draw
from named import NAMED, Mutant
from operators import Fault
from overlay import SOURCE
from pool import Job, Outcome, outcomes, preload
from rooms import ROOMS

DRAWN = 100
LEAST_KILLED = 0.85
SEED = 8


def mutated(mutant: Mutant) -> str | None:
    """Return the text of the file with the fault in it; None where the place is not there once exactly."""
    path = SOURCE / mutant.file
    text = path.read_text() if path.exists() else ""
    return text.replace(mutant.old, mutant.new) if text.count(mutant.old) == 1 else None


def fails_unmutated(tests: list[str], workers: int) -> list[str]:
    """Run every named test on the package as it is; return those that fail, which could kill nothing."""
    jobs = [Job(test, (test,)) for test in tests]
    return [f"{one.job.name}\n{one.output[-1500:]}" for one in outcomes(jobs, workers) if one.code != 0]


def killed(jobs: list[Job], workers: int) -> list[Job]:
    """Run the jobs, tell each outcome, and return the survivors."""
    survivors = []
    for number, one in enumerate(outcomes(jobs, workers), 1):
        print(f"{number:>4}/{len(jobs)} {_said(one):<9} {one.seconds:6.1f} s  {one.job.name}", flush=True)
        if one.code == 0:
            survivors.append(one.job)
    return survivors


def _said(one: Outcome) -> str:
    if one.code == 0:
        return "SURVIVED"
    return "killed" if one.code > 0 else "hung"


def _inject_named(wanted: list[Mutant], workers: int) -> int:
    lost = [mutant for mutant in wanted if mutated(mutant) is None]
    for mutant in lost:
        print(f"LOST: {mutant.name}: its text does not occur in src/{mutant.file} exactly once.")
    jobs = [
        Job(mutant.name, mutant.tests, mutant.file, text) for mutant in wanted if (text := mutated(mutant)) is not None
    ]
    survivors = killed(jobs, workers)
    why = {mutant.name: mutant.why for mutant in wanted}
    for job in survivors:
        print(f"SURVIVED: {job.name} (src/{job.file}): {why[job.name]}")
    print(f"Named: {len(jobs) - len(survivors)} of {len(wanted)} killed, {len(lost)} lost.")
    return len(survivors) + len(lost)


def _inject_drawn(found: list[Fault], seed: int, workers: int) -> int:
    chosen = {f"src/{f.file}:{f.line}: {f.was} -> {f.becomes} [{n}]": f for n, f in enumerate(found)}
    jobs = [Job(name, ROOMS[fault.file], fault.file, fault.text) for name, fault in chosen.items()]
    survivors = killed(jobs, workers)
    for job in survivors:
        print(f"SURVIVED: {job.name}")
    share = 1 - len(survivors) / len(jobs)
    print(
        f"Drawn with seed {seed}: {100 * share:.0f}% of {len(jobs)} killed; at least {100 * LEAST_KILLED:.0f}% wanted."
    )
    return int(share < LEAST_KILLED)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", help="named mutants whose name or file has this in it; nothing is drawn")
    parser.add_argument("--unnamed", action="store_true", help="only those that are drawn")
    parser.add_argument("--drawn", type=int, default=DRAWN, help="number of random mutants")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--part", default="1/1", help="e.g. 2/5: the second of five parts of the faults")
    parser.add_argument("--trust", action="store_true", help="do not run the tests unmutated first")
    options = parser.parse_args()
    began = time.monotonic()
    part, parts = map(int, options.part.split("/"))
    wanted = [m for m in NAMED if options.only is None or options.only in m.name or options.only in m.file]
    texts = {file: (SOURCE / file).read_text() for file in ROOMS}
    chosen = draw(texts, options.drawn if options.only is None else 0, options.seed)
    wanted = [] if options.unnamed else wanted
    wanted, chosen = wanted[part - 1 :: parts], chosen[part - 1 :: parts]
    preload()
    tests = {test for mutant in wanted for test in mutant.tests}
    tests |= {test for fault in chosen for test in ROOMS[fault.file]}
    broken = [] if options.trust else fails_unmutated(sorted(tests), options.workers)
    if broken:
        print("These tests fail without any mutant:", *broken, sep="\n")
        return 1
    failed = _inject_named(wanted, options.workers)
    failed += _inject_drawn(chosen, options.seed, options.workers) if chosen else 0
    print(f"{(time.monotonic() - began) / 60:.1f} minutes")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
