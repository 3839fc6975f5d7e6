"""``python -m benchmarks.ranking [--minutes M] [--draws N]``: measure what is missing, then write RESULTS.md.

Needs HEADSTART_DATA. The zoo is kept under ``build/ranking``, records in ``benchmarks/ranking/results``; an interrupted
run goes on where it stopped.
"""

from __future__ import annotations

import argparse

from benchmarks import store
from benchmarks.ranking import render, zoo
from headstart.storage import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=300.0)
    parser.add_argument("--draws", type=int, default=1)
    asked = parser.parse_args()
    zoo.measure(asked.draws, 60 * asked.minutes)
    store.pack(zoo.NAME, zoo.RESULTS)
    write_text(render.PAGE, render.page())


if __name__ == "__main__":
    main()
