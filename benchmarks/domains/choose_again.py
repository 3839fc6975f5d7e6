"""Measure the automatic choice on races that were run once: ``python -m benchmarks.domains.choose_again FOLDER``.

Reads what `races.py` wrote and appends one ``auto`` record per reported pair to ``results/``, as `measure.py` would
after a race of its own: the same candidates, the coefficients and the chance learned without the pair's benchmark.
Seconds and machine are those of the race.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.domains import records
from benchmarks.domains.pairs import LOADERS, Pair
from benchmarks.domains.races import Race, Told, file_of, held_out, load, read
from headstart.choice.choosing import Selection, select

Array = np.ndarray


def answer(race: Race, selection: Selection, number: int) -> Array:
    """Return classes, or values, of the test rows by one of the finished outcomes."""
    one = selection.finished[number]
    if isinstance(one.model, Told):
        found = one.model.test
    else:
        found = np.asarray(one.target) if race.pair.transductive else one.model.answer(race.pair.test_x, race.ground)
    return found if race.ground.regression else found.argmax(axis=1)


def measured(race: Race, selection: Selection) -> dict[str, Any]:
    """Return scores of what is handed back, of what stands for adaptation, and of everything that raced."""
    pair = race.pair
    raced = []
    for number, one in enumerate(selection.finished):
        outcome = records.scores(pair.test_y, answer(race, selection, number), pair.kind, rows=False)
        evidence = {name: round(float(value), 4) for name, value in one.scores.items()}
        gain = None if np.isnan(selection.gains[number]) else round(float(selection.gains[number]), 2)
        raced.append({"name": one.name, "gain": gain, "seconds": round(one.seconds, 2), "scores": evidence} | outcome)
    bold = selection.chosen if selection.considered is None else selection.considered
    kept = records.scores(pair.test_y, answer(race, selection, selection.chosen), pair.kind, rows=True)
    free = records.scores(pair.test_y, answer(race, selection, bold), pair.kind, rows=True)
    said = {"kept": selection.finished[selection.chosen].name, "reason": selection.reason}
    return kept | {"unguarded": free, "raced": raced} | said | {"chance": round(float(selection.chances[bold]), 4)}


def record(pair: Pair, race: Race) -> dict[str, Any]:
    """Return the record of the automatic choice on a pair."""
    gain = held_out(pair)
    if gain is None:
        raise SystemExit(f"{pair.benchmark} has no coefficients of its own; run benchmarks.domains.learn_gain first.")
    selection = select(race.ground, race.raced, gain, corrected=race.corrected)
    about = {"benchmark": pair.benchmark, "pair": pair.name, "library": "headstart", "method": "auto", "head": "own"}
    sizes = {"n_source": pair.source_x.shape[0], "n_target": pair.target_x.shape[0], "n_test": len(pair.test_y)}
    of_race = {key: value for key, value in race.about.items() if key != "seconds"}
    seconds = {"seconds": round(race.about["seconds"], 3)}
    whole = about | {"labels": 0, "seed": 0, "kind": pair.kind} | sizes | measured(race, selection) | seconds
    return whole | records.about() | of_race


def main(folder: Path) -> None:
    for benchmark in LOADERS:
        for pair in load(benchmark):
            if file_of(pair, folder).exists():
                found = record(pair, read(pair, folder))
                records.append(benchmark, found)
                print(f"{benchmark} {pair.name}: {found['kept']}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
