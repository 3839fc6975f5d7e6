"""What agreement with the target's clusters is worth where a source's data are not at hand.

``python -m benchmarks.domains.alone FOLDER`` reads the races of development pairs that `races.py` wrote into FOLDER:
SHOT against the network that it starts from, by how far its answers agree more with clusters of the target's rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.domains.learn_gain import score
from benchmarks.domains.races import file_of, former, load, read
from headstart.workflow.source_free.field import AGREES

BENCHMARKS = ("spoken", "pictures", "tags", "kinds", "lungs")
STARTED, ADAPTED = "erm", "shot"


def main(folder: Path) -> None:
    """Print how many pairs gained, where agreement rose by `AGREES` or more, and where it did not."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for pair in (pair for name in BENCHMARKS for pair in load(name) if file_of(pair, folder).exists()):
        if {STARTED, ADAPTED} <= {one["name"] for one in former(pair, folder)[1]["raced"]}:
            race = read(pair, folder)
            before, after = (next(one for one in race.raced if one.name == name) for name in (STARTED, ADAPTED))
            rise = after.scores["cluster_ami"] - before.scores["cluster_ami"]
            found[rise >= AGREES].append(score(pair, race.ground, after) - score(pair, race.ground, before))
    for risen, gains in found.items():
        where = f"rose by {AGREES} or more" if risen else "rose by less"
        gained = sum(gain > 0 for gain in gains)
        told = f"{gained} of {len(gains)} gained, mean {np.mean(gains):+.1f}, worst {min(gains):+.1f}"
        print(f"agreement {where}: {told}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
