"""How evidence combines and how far to believe it: learn the gain and its chance leave-one-benchmark-out.

``python -m benchmarks.domains.learn_gain FOLDER [BENCHMARKS...]`` reads the races that `races.py` wrote into FOLDER. A
benchmark's figures come from coefficients, and from a chance, learned without it; the three feature sets of
Office-Caltech10 count as one benchmark, and so does whatever else is made of one data set (`races.group`). Those of
`races.MADE` are there to learn on: no figure is reported on them. FOLDER gets ``gain.json``, which the package ships,
``held_out_gains.json``, which the benchmark reads, and ``calibration.jsonl``, one line per pair: what was predicted of
the model that stands for adaptation, with which chance, and what became of it.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.domains.pairs import LOADERS, Pair
from benchmarks.domains.races import HELD_OUT, MADE, Race, Told, file_of, group, load, read
from headstart.choice.chance import BOUND, learn_slope
from headstart.choice.choosing import DROPPED, combine
from headstart.choice.gain import Gain, feature_names, features, learn, to_json
from headstart.choice.label_shift import label_shift_alarm
from headstart.choice.racing import AdaptationData, Result

Array = np.ndarray


class Seen(NamedTuple):
    """What one pair teaches: features and gains of its candidates, and later of its blends."""

    race: Race
    group: str
    features: Array
    gains: Array
    base: float
    alarmed: frozenset[str] | None


def score(pair: Pair, ground: AdaptationData, one: Result) -> float:
    """Return accuracy in points; for values minus the root mean squared error."""
    if isinstance(one.model, Told):
        answer = one.model.test
    else:
        answer = np.asarray(one.target) if pair.transductive else one.model.answer(pair.test_x, ground)
    if ground.regression:
        return -float(np.sqrt(np.mean((answer - pair.test_y) ** 2)))
    return 100 * float((answer.argmax(axis=1) == pair.test_y).mean())


def gain_over(pair: Pair, ground: AdaptationData, ones: list[Result], base: float) -> Array:
    """Return gains over source-only: points, or percent of the root mean squared error."""
    unit = -base / 100 if ground.regression else 1.0
    return np.array([(score(pair, ground, one) - base) / unit for one in ones])


def seen(pair: Pair, folder: Path) -> Seen:
    """Read a pair's race."""
    race = read(pair, folder)
    base = score(pair, race.ground, race.raced[0])
    own = features(race.ground, race.raced)
    gains = gain_over(pair, race.ground, race.raced, base)
    return Seen(race, group(pair), own, gains, base, label_shift_alarm(race.ground, race.raced))


def learned(parts: list[tuple[str, Array, Array]], left_out: set[str], regression: bool) -> Gain:
    """Return the coefficients learned on all groups but some; parts: group, features and gains."""
    rest = [part for part in parts if part[0] not in left_out]
    groups = np.concatenate([[name] * len(gains) for name, _, gains in rest])
    rows, gains = (np.concatenate([part[i] for part in rest]) for i in (1, 2))
    found = learn(rows, gains, groups, feature_names(regression))
    return found._replace(bound=np.inf if regression else BOUND)


def blended(one: Seen, gain: Gain) -> tuple[Array, Array, list[str]]:
    """Return features, gains and names of a pair's blends, weighed by the coefficients given."""
    race = one.race
    weighing = gain.predict(one.features)
    if one.alarmed is not None:
        harmful = [raced.name not in one.alarmed for raced in race.raced]
        weighing = np.where(harmful, weighing.min() - DROPPED, weighing)
    blends = combine(race.ground, race.raced, weighing)
    gains = gain_over(race.pair, race.ground, blends, one.base)
    return features(race.ground, blends, race.raced), gains, [blend.name for blend in blends]


def learn_kind(everything: list[Seen], regression: bool) -> tuple[Gain, dict[str, Gain], list[dict[str, Any]]]:
    """Return the coefficients of one kind of task learned on all, those without each group, and the calibration."""
    parts = [(one.group, one.features[1:], one.gains[1:]) for one in everything]
    groups = sorted({one.group for one in everything})
    first = {name: learned(parts, {name}, regression) for name in groups}
    blends = [blended(one, first[one.group]) for one in everything]
    parts += [(one.group, rows, gains) for one, (rows, gains, _) in zip(everything, blends, strict=True)]
    each = {name: learned(parts, {name}, regression) for name in groups}
    lines = [_considered(one, own, each[one.group]) for one, own in zip(everything, blends, strict=True)]
    for name in groups:  # a chance without a group reads predictions by coefficients that have not seen it either
        others = [(one, own) for one, own in zip(everything, blends, strict=True) if one.group != name]
        apart = {other: learned(parts, {name, other}, regression) for other in groups if other != name}
        each[name] = _believed(each[name], [_considered(one, own, apart[one.group]) for one, own in others])
    for line in lines:
        line["chance"] = round(float(each[line["group"]].chance(line["predicted"])), 4)
        line["deviation"] = round(100 * each[line["group"]].deviation * line["changed"], 2)
    return _believed(learned(parts, set(), regression), lines), each, lines


def _considered(one: Seen, own: tuple[Array, Array, list[str]], gain: Gain) -> dict[str, Any]:
    """Return the pair's line of the calibration: of its blends, the one of the larger predicted gain."""
    rows, gains, names = own
    predicted = gain.predict(rows)
    best = int(predicted.argmax())
    return {
        "benchmark": one.race.pair.benchmark,
        "pair": one.race.pair.name,
        "group": one.group,
        "kind": one.race.pair.kind,
        "reported": one.race.pair.benchmark in LOADERS,
        "alarmed": one.alarmed is not None,
        "considered": names[best],
        "changed": round(float(rows[best, gain.names.index("changed")]), 4),
        "predicted": round(float(predicted[best]), 3),
        "gained": round(float(gains[best]), 3),
    }


def _believed(gain: Gain, lines: list[dict[str, Any]]) -> Gain:
    """Return coefficients with the slope of their chance and the deviation of their predictions."""
    predicted, gained, changed = (np.array([line[key] for line in lines]) for key in ("predicted", "gained", "changed"))
    groups = np.array([line["group"] for line in lines])
    moved = changed > 0.01
    errors = (gained - predicted)[moved] / (100 * changed[moved])
    weights = np.array([1 / (groups[moved] == name).sum() for name in groups[moved]])
    deviation = float(np.sqrt((weights * errors.clip(-1, 1) ** 2).sum() / weights.sum()))
    return gain._replace(slope=learn_slope(predicted, gained, groups), deviation=deviation)


def main(folder: Path, benchmarks: list[str]) -> None:
    """Learn and write."""
    todo = [pair for name in benchmarks or [*MADE, *LOADERS] for pair in load(name)]
    everything = [seen(pair, folder) for pair in todo if file_of(pair, folder).exists()]
    shipped = json.loads(files("headstart.choice").joinpath("gain.json").read_text(encoding="utf-8"))
    held_out: dict[str, Any] = {}
    calibration: list[dict[str, Any]] = []
    for kind in ("classification", "regression"):
        mine = [one for one in everything if one.race.pair.kind == kind]
        if mine:
            final, each, lines = learn_kind(mine, kind == "regression")
            shipped[kind] = to_json(final)
            held_out |= {name: to_json(gain) for name, gain in each.items()}
            calibration += lines
            print(f"{kind}: {len(mine)} pairs, slope {final.slope:.3f}, deviation {final.deviation:.3f} of the changes")
    (folder / "gain.json").write_text(json.dumps(shipped, indent=1) + "\n", encoding="utf-8")
    (folder / HELD_OUT.name).write_text(json.dumps(held_out) + "\n", encoding="utf-8")
    text = "".join(json.dumps(line) + "\n" for line in calibration)
    (folder / "calibration.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
