"""What `TransferClassifier` and `TransferRegressor` claim, against what a large test set says.

``HEADSTART_DATA=/folder python -m benchmarks.arrays [--out FOLDER]`` measures every cell (a pair of domains, a kind of
source, a number of labels, a seed) that the folder lacks and prints the table of docs/arrays.md. What a person would
try in five lines is fitted here beside it, without Headstart's race: the source untouched, the labelled rows alone and
the labelled rows pooled with the source's, both by a regularised linear model that chooses its own strength.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from benchmarks import store
from headstart.estimators import TransferClassifier, TransferRegressor
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic

Array = np.ndarray
SHOTS = {"classification": (3, 10, 30), "regression": (15, 50, 150)}
"""Labels per class; rows of a regression."""
SEEDS = (0, 1)
SMALL: dict[str, Any] = {"max_iter": 40, "max_leaf_nodes": 8}
"""Boosted trees of a size that a few hundred rows call for."""
SOURCE_ROWS, TEST_ROWS = 400, 1500
"""Rows at most that a source is fitted on, and that are tested on."""


class Pair(NamedTuple):
    name: str
    source: tuple[Array, Array]
    target: tuple[Array, Array]
    kind: str = "classification"


def both_ways(name: str, first: tuple[Array, Array], second: tuple[Array, Array], kind: str) -> Iterator[Pair]:
    yield Pair(f"{name} a->b", first, second, kind)
    yield Pair(f"{name} b->a", second, first, kind)


def halves(name: str, x: Array, y: Array, first: Array, kind: str) -> Iterator[Pair]:
    """Two domains of one table: the rows of ``first``, and the others."""
    yield from both_ways(name, (x[first], y[first]), (x[~first], y[~first]), kind)


def coarse(x: Array) -> Array:
    """Return pictures of 16 x 16 pixels in 8 x 8."""
    return x.astype(float).reshape(-1, 8, 2, 8, 2).mean(axis=(2, 4)).reshape(-1, 64)


def pairs(root: Path) -> Iterator[Pair]:
    """Yield pairs of domains: tables cut by what a domain would be, and the digits 0 to 4 of two collections."""
    tables = root / "tabular"
    red, white = (
        np.loadtxt(tables / f"wine_quality/winequality-{colour}.csv", delimiter=",") for colour in ("red", "white")
    )
    wines = [(wine[:, :-1], wine[:, -1]) for wine in (red, white)]
    good = [(x, (y >= 6).astype(int)) for x, y in wines]
    yield from both_ways("wine", good[0], good[1], "classification")
    yield from both_ways("wine's points", wines[0], wines[1], "regression")
    heart = [
        pd.read_csv(tables / f"heart_disease/processed.{place}.data", header=None, na_values="?").iloc[
            :, [*range(10), 13]
        ]
        for place in ("cleveland", "hungarian")
    ]
    filled = [part.fillna(part.median()).to_numpy(float) for part in heart]
    yield from both_ways("heart", *((part[:, :-1], (part[:, -1] > 0).astype(int)) for part in filled), "classification")
    adult = pd.read_csv(tables / "adult/adult-train.csv.gz", header=None, skipinitialspace=True)
    x, y = pd.get_dummies(adult[[0, 4, 5, 10, 11, 12]]).to_numpy(float), (adult[14] == ">50K").to_numpy(int)
    yield from halves("adult, by sex", x, y, (adult[9] == "Male").to_numpy(), "classification")
    abalone = pd.read_csv(tables / "abalone/abalone.csv", header=None)
    x, rings = abalone.iloc[:, 1:8].to_numpy(float), abalone[8].to_numpy(float)
    young = (abalone[0] == "I").to_numpy()
    yield from halves("abalone", x, (rings > 9).astype(int), young, "classification")
    yield from halves("abalone's rings", x, rings, young, "regression")
    x, y = load_breast_cancer(return_X_y=True)
    yield from halves("breast cancer, by texture", x, y, x[:, 1] > np.median(x[:, 1]), "classification")
    x, y = load_diabetes(return_X_y=True)
    yield from halves("diabetes, by sex", x, y, x[:, 1] > 0, "regression")
    bike = pd.read_csv(tables / "bike_sharing/day.csv")
    columns = ["season", "mnth", "holiday", "weekday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed"]
    first = (bike["yr"] == 0).to_numpy()
    yield from halves("bikes", bike[columns].to_numpy(float), bike["cnt"].to_numpy(float) / 1000, first, "regression")
    a = np.load(root / "mnist_usps_jda/mnist_usps_jda.npz", allow_pickle=False)
    first, second = (coarse(a["usps_x"]), a["usps_y"].astype(int)), load_digits(n_class=5, return_X_y=True)
    few = first[1] < 5
    yield from both_ways("digits", (first[0][few], first[1][few]), (second[0] / 16, second[1]), "classification")


class Cell(NamedTuple):
    """One problem: a source's rows, few labelled target rows, and rows to test on."""

    source: tuple[Array, Array]
    few: tuple[Array, Array]
    test: tuple[Array, Array]


def draw(pair: Pair, shots: int, seed: int) -> Cell:
    """Draw a cell's rows; columns come in the source's standard deviations."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pair.source[0]))[:SOURCE_ROWS]
    middle, spread = pair.source[0][order].mean(axis=0), pair.source[0][order].std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    xs, xt = ((x - middle) / spread for x in (pair.source[0][order], pair.target[0]))
    mixed = rng.permutation(len(xt))
    if pair.kind == "classification":
        found = [mixed[pair.target[1][mixed] == label][:shots] for label in np.unique(pair.target[1])]
        few = np.concatenate(found)
    else:
        few = mixed[:shots]
    test = mixed[~np.isin(mixed, few)][:TEST_ROWS]
    return Cell((xs, pair.source[1][order]), (xt[few], pair.target[1][few]), (xt[test], pair.target[1][test]))


def sources(kind: str) -> dict[str, Any]:
    if kind == "classification":
        return {
            "linear": LogisticRegression(C=0.1, max_iter=500),
            "boosted": HistGradientBoostingClassifier(**SMALL),
        }
    return {"linear": Ridge(), "boosted": HistGradientBoostingRegressor(**SMALL)}


def score(model: Any, kind: str, x: Array, y: Array) -> float:
    """Accuracy in points; for values, the share of the mean absolute deviation that is explained, in points."""
    told = model.predict(x)
    if kind == "classification":
        return 100 * float((told == y).mean())
    return 100 * (1 - float(np.abs(told - y).mean() / np.abs(y - np.median(y)).mean()))


def measure(cell: Cell, kind: str, source: Any) -> dict[str, Any]:
    """Fit Headstart's face and what a person would try; return claims and test scores in points."""
    tuned, face = (TunedLogistic, TransferClassifier) if kind == "classification" else (TunedRidge, TransferRegressor)
    pool = [np.concatenate(pair) for pair in zip(cell.source, cell.few, strict=True)]
    models = {"source": source, "target only": tuned().fit(*cell.few), "pooled": tuned().fit(*pool)}
    models |= {"scratch": face().fit(*cell.few), "model": face(source).fit(*cell.few)}
    found: dict[str, Any] = {"test": {name: score(model, kind, *cell.test) for name, model in models.items()}}
    scale = 100 / (1 if kind == "classification" else np.abs(cell.test[1] - np.median(cell.test[1])).mean())
    model: Any = models["model"]
    found |= {"kept": model.kept_, "claimed": scale * model.gain_}
    if hasattr(model, "gain_over_baseline_"):
        domain = np.repeat([1, -1], [len(cell.source[1]), len(cell.few[1])])
        given = face(source).fit(pool[0], pool[1], sample_domain=domain)
        found["test"]["model, source rows given"] = score(given, kind, *cell.test)
        found |= {"kept_given": given.kept_, "claimed_given": scale * given.gain_}
        found |= {"claimed_over_baseline_given": scale * given.gain_over_baseline_, "baseline_given": given.baseline_}
    return found


def cells(root: Path) -> Iterator[tuple[dict[str, Any], Pair, Any]]:
    """Yield each cell's names, its pair, and its source before it is fitted, which cells of other sizes share."""
    for pair in pairs(root):
        for seed in SEEDS:
            for name, source in sources(pair.kind).items():
                for shots in SHOTS[pair.kind]:
                    yield {"pair": pair.name, "source": name, "shots": shots, "seed": seed}, pair, source


def fitted(source: Any, cell: Cell) -> Any:
    """Fit a source unless it is already: the source's rows depend on the seed alone."""
    return source if hasattr(source, "n_features_in_") else source.fit(*cell.source)


def table(records: list[dict[str, Any]]) -> str:
    """Return the lines of the page's table for each kind of source."""
    lines = ["| source | cells | claimed gain | real gain | test score above scratch, source, pooled |"]
    lines += ["|---|---|---|---|---|"]
    for kind in ("linear", "boosted"):
        ours = [record for record in records if record["source"] == kind]
        for arm, claim in (("model", "claimed"), ("model, source rows given", "claimed_given")):
            if ours and arm in ours[0]["test"]:
                lines.append(_row(f"{kind}{arm[5:]}", ours, arm, claim))
    return "\n".join(lines)


def _row(name: str, records: list[dict[str, Any]], arm: str, claim: str) -> str:
    told = np.mean([record[claim] for record in records])
    over = {
        other: np.array([record["test"][arm] - record["test"][other] for record in records])
        for other in ("scratch", "source", "pooled", "target only")
    }
    below = ", ".join(f"{int((over[other] < -2).sum())} below {other}" for other in ("source", "pooled", "target only"))
    means = ", ".join(f"{over[other].mean():+.1f}" for other in ("scratch", "source", "pooled"))
    real = over["scratch"].mean()
    return f"| {name} | {len(records)} | {told:+.1f} | {real:+.1f} | {means}; by over 2 points: {below} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=store.RESULTS, help="folder of the results")
    out = parser.parse_args().out
    if "HEADSTART_DATA" not in os.environ:
        raise SystemExit("HEADSTART_DATA is not set: this benchmark needs real data.")
    warnings.simplefilter("ignore")
    records = store.read("arrays", out)
    done = {tuple(record[key] for key in ("pair", "source", "shots", "seed")) for record in records}
    for names, pair, source in cells(Path(os.environ["HEADSTART_DATA"])):
        if tuple(names.values()) in done:
            continue
        cell = draw(pair, names["shots"], names["seed"])
        record = names | {"kind": pair.kind} | measure(cell, pair.kind, fitted(source, cell))
        records.append(record)
        store.append("arrays", record, out)
    store.pack_all(out)
    for kind in SHOTS:
        print(f"\n{kind}\n{table([record for record in records if record['kind'] == kind])}")


if __name__ == "__main__":
    main()
