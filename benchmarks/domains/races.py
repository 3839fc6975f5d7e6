"""Race pairs once and keep what came out, so that evidence, guard and calibration are worked out in seconds.

``python -m benchmarks.domains.races FOLDER BENCHMARKS...`` writes one ``.npz`` per pair: every candidate's outputs and
scores, and what its ground held, without the pair's own rows. A race does not depend on how its evidence is combined.
``--processes`` races several pairs at once, one thread each; ``--seconds`` starts no further one after them. What the
field trains today and a file lacks is raced and joined to it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import machine
from benchmarks.domains.development import films, pictures, spoken
from benchmarks.domains.pairs import LOADERS, Pair, pairs
from benchmarks.domains.shifts import shifts, shifts_values
from benchmarks.domains.subgroups import (
    abalone,
    coloured,
    drawn,
    encoded_films,
    kinds,
    lungs,
    other_shares,
    series,
    subgroup_values,
    tags,
)
from benchmarks.domains.tasks import has_units
from headstart import catalogue
from headstart.choice.candidates import Candidate, as_candidates
from headstart.choice.gain import Gain, from_json
from headstart.choice.heads import Heads
from headstart.choice.label_shift import CORRECTED, only_shares_differ
from headstart.choice.racing import AdaptationData, Result, outputs, prepare, race_one
from headstart.shallow.domains import Domains
from headstart.validators.density import leading_axes

Array = np.ndarray
MADE: dict[str, Callable[[], Iterator[Pair]]] = {
    loader.__name__: loader
    for loader in (
        *(shifts, shifts_values, spoken, pictures, films),
        *(abalone, subgroup_values, kinds, lungs, drawn, tags, series, coloured, encoded_films, other_shares),
    )
}
"""Development pairs: there to learn and to choose settings on; no figure is reported on them."""
OFFICE = ("surf", "googlenet", "mobilenet")
SAME = {"coloured": "digits", "encoded_films": "films", **dict.fromkeys(OFFICE, "office")}
"""Benchmarks that are made of another's data, and are left out with it."""


HELD_OUT = Path(__file__).resolve().with_name("held_out_gains.json")
"""The coefficients that a benchmark's own figures are made with: learned on all the others."""


TRAINED = frozenset(entry.name for entry in catalogue.METHODS if entry.kind in catalogue.LEARNT and entry.raced)
"""What the loop trains in the field, which files of earlier versions lack."""


class Told:
    """A raced model that is kept as its outputs on the test rows only."""

    def __init__(self, test: Array) -> None:
        self.test, self.classes_ = test, np.arange(test.shape[1] if test.ndim == 2 else 0)

    def predict_proba(self, rows: Any, sample_domain: Any = None) -> Array:
        return self.test

    predict = predict_proba

    def __sklearn_tags__(self) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression().__sklearn_tags__()  # they say that CSR rows are taken


class Race(NamedTuple):
    """A pair's race: its ground, what finished, whether nothing but the class shares seemed to differ, and about it.

    Attributes
    ----------
    corrected : `only_shares_differ`; `CORRECTED` raced then too. about : machine, versions, seconds.
    """

    pair: Pair
    ground: AdaptationData
    raced: list[Result]
    corrected: bool
    about: dict[str, Any]


def load(benchmark: str) -> Iterator[Pair]:
    """Yield the pairs of a benchmark, reported or not."""
    yield from MADE[benchmark]() if benchmark in MADE else pairs(benchmark)


def group(pair: Pair) -> str:
    """Return what counts as one benchmark when it is left out: whatever is made of one data set is one."""
    first = pair.name.split()[0]
    if pair.benchmark == "other_shares":
        return SAME.get(first, first)
    if pair.benchmark.startswith("amazon"):
        return "amazon"
    parts = pair.benchmark.startswith("shifts") or pair.benchmark in ("series", "subgroup_values")
    return f"{pair.benchmark} {first}" if parts else SAME.get(pair.benchmark, pair.benchmark)


def held_out(pair: Pair) -> Gain | None:
    """Return the coefficients learned without a pair's benchmark; None for the package's where it took no part."""
    stored = json.loads(HELD_OUT.read_text(encoding="utf-8")).get(group(pair))
    return None if stored is None else from_json(stored)


def file_of(pair: Pair, folder: Path) -> Path:
    return folder / f"{pair.benchmark}-{pair.name}.npz".replace(" ", "_").replace(">", "")


def domains_of(pair: Pair) -> Domains:
    """Return a pair as a race takes it, its target without labels."""
    values = pair.kind == "regression"
    labels = pair.source_y.astype(np.float64) if values else pair.source_y
    hidden = np.full(pair.target_x.shape[0], np.nan if values else -1).astype(labels.dtype)
    numbers = np.ones(len(labels), dtype=np.int64) if pair.source_domain is None else pair.source_domain
    return Domains(pair.source_x, labels, pair.target_x, hidden, numbers)


def race(pair: Pair, folder: Path) -> None:
    """Race a pair and write its file; what stands in it already is not raced again."""
    start, values = time.process_time(), pair.kind == "regression"
    arrays, said = former(pair, folder)
    kept = said["raced"]
    there = {one["name"] for one in kept}
    domains = domains_of(pair)
    ground = prepare(
        domains,
        n_classes=0 if values else int(domains.labels.max()) + 1,
        standardise=has_units(pair),
        grid=pair.grid,
    )
    racing = as_candidates(None, domains, values, ground.heads)
    corrected = not values and only_shares_differ(domains)
    if corrected:
        racing.insert(1, Candidate(CORRECTED))
    arrays |= {"held": ground.held, "ratio": ground.ratio}
    if ground.clusters is not None:
        arrays["clusters"] = ground.clusters
    for one in (race_one(ground, candidate) for candidate in racing if candidate.name not in there):
        if one.note:
            continue
        number = len(kept)
        arrays |= {f"target{number}": np.asarray(one.target), f"held{number}": np.asarray(one.held)}
        if not pair.transductive:
            arrays[f"test{number}"] = outputs(one.model, pair.test_x, ground, is_source=False)
        kept.append({"name": one.name, "method": one.candidate.method, "seconds": one.seconds, "scores": one.scores})
    about = machine.describe("numpy", "scipy", "scikit-learn", "torch") | {
        "seconds": said["about"]["seconds"] + time.process_time() - start
    }
    said = {
        "n_classes": ground.n_classes,
        "validity": ground.validity,
        "span": ground.span,
        "heads": ground.heads,
        "corrected": corrected,
        "raced": kept,
        "about": about,
    }
    part = file_of(pair, folder).with_suffix(".part.npz")
    small = {
        name: a.astype(np.float32) if a.dtype == np.float64 and name != "ratio" else a for name, a in arrays.items()
    }
    np.savez_compressed(part, said=np.array(json.dumps(said)), **small)
    part.replace(file_of(pair, folder))


def former(pair: Pair, folder: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the outputs that a pair's file holds and what it says of them; nothing where there is none."""
    path = file_of(pair, folder)
    if not path.exists():
        return {}, {"raced": [], "about": {"seconds": 0.0}}
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return arrays, json.loads(str(arrays.pop("said")))


def whole(pair: Pair, folder: Path) -> bool:
    """Whether a pair's file holds every candidate of today's field that can serve it."""
    there = {one["name"] for one in former(pair, folder)[1]["raced"]}
    values = pair.kind == "regression"
    wanted = {one.name for one in as_candidates(None, domains_of(pair), values)}
    return bool(there) and (wanted - there).isdisjoint(TRAINED if not values else ())


def read(pair: Pair, folder: Path) -> Race:
    """Return a pair's race from its file; models answer for the test rows alone."""
    with np.load(file_of(pair, folder), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    said = json.loads(str(arrays["said"]))
    domains = domains_of(pair)
    axes = leading_axes(domains.source, domains.target, 64)
    ground = AdaptationData(
        domains,
        said["n_classes"],
        arrays["held"],
        axes,
        axes.of(domains.source),
        axes.of(domains.target),
        arrays["ratio"],
        arrays.get("clusters"),
        0,
        Heads(*said["heads"][:2], pair.grid),
        said["validity"],
        None if said["span"] is None else tuple(said["span"]),
    )
    raced = []
    for number, one in enumerate(said["raced"]):
        target, held = (arrays[f"{side}{number}"].astype(np.float64) for side in ("target", "held"))
        test = target if pair.transductive else arrays[f"test{number}"].astype(np.float64)
        candidate = Candidate(one["method"], label=one["name"])
        raced.append(Result(candidate, Told(test), target, held, one["scores"], one["seconds"], ""))
    return Race(pair, ground, raced, said["corrected"], said["about"])


def _attempt(given: tuple[Pair, Path, float]) -> str:
    pair, folder, end = given
    if time.time() > end:
        return f"{pair.benchmark} {pair.name}: not started"
    start = time.time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        race(pair, folder)
    return f"{pair.benchmark} {pair.name}: {time.time() - start:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("benchmarks", nargs="*", default=[*LOADERS, *MADE])
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9)
    options = parser.parse_args()
    end = time.time() + options.seconds
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    options.folder.mkdir(parents=True, exist_ok=True)
    todo = [pair for name in options.benchmarks for pair in load(name)]
    todo = [(pair, options.folder, end) for pair in todo if not whole(pair, options.folder)]
    with multiprocessing.get_context("fork").Pool(options.processes) as pool:
        for line in pool.imap_unordered(_attempt, todo, chunksize=1):
            print(line, flush=True)


if __name__ == "__main__":
    main()
