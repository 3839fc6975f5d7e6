"""``python -m benchmarks.bar [--minutes M]``: the default `TransferClassifier` against what a person tries first.

Fourteen targets, listed before the first was run, on draws of 5, 20 and 100 labels per class. The rival is the best, by
cross-validation on the same labels, of logistic regression (raw or scaled, strength tuned), boosted trees (tables,
leaves tuned) and logistic regression on these rows and the source's together. Resumable; needs HEADSTART_DATA.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from benchmarks import machine, store
from headstart.estimators import TransferClassifier
from headstart.storage import write_text

NAME, PAGE = "bar", Path(__file__).with_name("BAR.md")
Array = np.ndarray
Rows = tuple[Array, Array]
DRAWS = {5: 10, 20: 5, 100: 3}
AIMS = {5: 1.0, 20: 1.0, 100: 2.0}
SOURCE_ROWS, TESTED = 400, 1500
STRENGTHS, LEAVES = np.logspace(-3, 2, 6), (4, 8)


class Problem(NamedTuple):
    """A target's rows and labels, a source's (None: there is none), and whether it is a table."""

    target: Rows
    source: Rows | None
    is_table: bool


def root() -> Path:
    return Path(os.environ["HEADSTART_DATA"])


def incomes(target: tuple[str, ...], source: tuple[str, ...]) -> Problem:
    frame = pd.read_csv(root() / "tabular/adult/adult-train.csv.gz", header=None, skipinitialspace=True)
    x, y = pd.get_dummies(frame[[0, 4, 5, 7, 9, 10, 11, 12]]).to_numpy(float), (frame[14] == ">50K").to_numpy(int)
    here, there = (frame[1].isin(names).to_numpy() for names in (target, source))
    return Problem((x[here], y[here]), (x[there], y[there]), True)


def bikes(column: str, target: int) -> Problem:
    frame = pd.read_csv(root() / "tabular/bike_sharing/hour.csv")
    x = frame[["mnth", "hr", "holiday", "weekday", "weathersit", "temp", "hum", "windspeed"]].to_numpy(float)
    here, many = (frame[column] == target).to_numpy(), (frame["cnt"] > frame["cnt"].median()).to_numpy(int)
    return Problem((x[here], many[here]), (x[~here], many[~here]), True)


def things(target: str, source: str) -> Problem:
    held = np.load(root() / "office_caltech10/mobilenet_v2_1280.npz")
    here, there = ((held[f"{one}_x"].astype(float), held[f"{one}_y"].astype(int)) for one in (target, source))
    return Problem(here, there, False)


def digits(target: str, source: str) -> Problem:
    held = np.load(root() / "mnist_usps_jda/mnist_usps_jda.npz")
    here, there = ((held[f"{one}_x"].astype(float), held[f"{one}_y"].astype(int)) for one in (target, source))
    return Problem(here, there, False)


def chests() -> Problem:
    held = np.load(root() / "medmnist/pneumoniamnist.npz")
    x = held["train_images"].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196) / 255
    return Problem((x, held["train_labels"].ravel().astype(int)), None, False)


def series(name: str) -> Problem:
    held = np.load(root() / f"ucr/{name}.npz")
    x, y = (np.concatenate([held[f"{axis}_train"], held[f"{axis}_test"]]) for axis in "xy")
    return Problem((x.reshape(len(x), -1).astype(float), np.unique(y, return_inverse=True)[1]), None, False)


def hearts() -> Problem:
    def read(place: str) -> Rows:
        path = root() / f"tabular/heart_disease/processed.{place}.data"
        frame = pd.read_csv(path, header=None, na_values="?").iloc[:, [*range(10), 13]]
        whole = frame.fillna(frame.median()).to_numpy(float)
        return whole[:, :-1], (whole[:, -1] > 0).astype(int)

    parts = [read("cleveland"), read("hungarian")]
    return Problem(read("va"), (np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])), True)


STATE, SELF = ("Local-gov", "State-gov", "Federal-gov"), ("Self-emp-not-inc", "Self-emp-inc")
TARGETS: dict[str, Callable[[], Problem]] = {
    "incomes of the state's people, from private ones": lambda: incomes(STATE, ("Private",)),
    "incomes of the self-employed, from private ones": lambda: incomes(SELF, ("Private",)),
    "incomes of private people, from the state's": lambda: incomes(("Private",), STATE),
    "bikes of 2012, from 2011": lambda: bikes("yr", 1),
    "bikes of days off, from working days": lambda: bikes("workingday", 0),
    "hearts of Long Beach, from two hospitals": hearts,
    "things of Caltech, from a shop (MobileNetV2)": lambda: things("caltech10", "amazon"),
    "things of a shop, from Caltech (MobileNetV2)": lambda: things("amazon", "caltech10"),
    "digits of USPS, from MNIST (pixels)": lambda: digits("usps", "mnist"),
    "digits of MNIST, from USPS (pixels)": lambda: digits("mnist", "usps"),
    "chests (pixels), no source": chests,
    "Synthetic Control (series), no source": lambda: series("Synthetic_control"),
    "CBF (series), no source": lambda: series("CBF"),
    "wines (table), no source": lambda: Problem(load_wine(return_X_y=True), None, True),
}
problem = cache(lambda name: TARGETS[name]())


class Cell(NamedTuple):
    """Rows to learn from, rows to test on, and the source's."""

    few: Rows
    test: Rows
    source: Rows | None
    is_table: bool


def drawn(name: str, shots: int, draw: int) -> Cell | None:
    """Draw a cell; None where a class has not half as many rows again, or fewer than 60 rows would be left."""
    (x, y), source, is_table = problem(name)
    rng = np.random.default_rng([draw, shots])
    if np.bincount(y).min() < 1.5 * shots:
        return None
    mine = np.concatenate([rng.permutation(np.flatnonzero(y == label))[:shots] for label in np.unique(y)])
    rest = rng.permutation(np.setdiff1d(np.arange(len(y)), mine))[:TESTED]
    if len(rest) < 60:
        return None
    if source is not None:
        some = rng.permutation(len(source[1]))[:SOURCE_ROWS]
        source = source[0][some], source[1][some]
    return Cell((x[mine], y[mine]), (x[rest], y[rest]), source, is_table)


def turned(cell: Cell) -> Cell:
    """Put rows of many columns on the axes of those that are learned from: the same linear models, at less cost."""
    known = cell.few[0] if cell.source is None else np.concatenate([cell.few[0], cell.source[0]])
    if known.shape[1] <= len(known):
        return cell
    axes = np.linalg.svd(known - known.mean(axis=0), full_matrices=False)[2]
    few, test = ((x - known.mean(axis=0)) @ axes.T for x in (cell.few[0], cell.test[0]))
    source = None if cell.source is None else ((cell.source[0] - known.mean(axis=0)) @ axes.T, cell.source[1])
    return Cell((few, cell.few[1]), (test, cell.test[1]), source, cell.is_table)


class Logistic(NamedTuple):
    """Logistic regression on rows, scaled or not, with the source's beside them or not."""

    strength: float
    scaled: bool
    pooled: bool

    def told(self, x: Array, y: Array, test: Array, source: Rows | None) -> Array:
        if self.pooled and source is not None:
            x, y = np.concatenate([x, source[0]]), np.concatenate([y, source[1]])
        if self.scaled:
            scale = StandardScaler().fit(x)
            x, test = scale.transform(x), scale.transform(test)
        return LogisticRegression(C=self.strength, max_iter=200).fit(x, y).predict(test)


class Trees(NamedTuple):
    """Boosted trees of a few leaves."""

    leaves: int

    def told(self, x: Array, y: Array, test: Array, source: Rows | None) -> Array:
        least = max(2, min(20, len(y) // 10))
        model = HistGradientBoostingClassifier(max_leaf_nodes=self.leaves, max_iter=40, min_samples_leaf=least)
        return model.fit(x, y).predict(test)


def rival(cell: Cell) -> tuple[str, float]:
    """Return the best plain model by 5-fold cross-validation on the labelled rows, and its test accuracy."""
    pooled = (False, True) if cell.source is not None else (False,)
    flat = turned(cell)
    models: list[tuple[Any, Cell]] = [
        (Logistic(c, scaled, both), cell if scaled else flat)
        for c, scaled, both in product(STRENGTHS, (False, True), pooled)
    ]
    models += [(Trees(leaves), cell) for leaves in LEAVES] if cell.is_table else []
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(*cell.few))
    right = []
    for model, rows in models:
        x, y = rows.few
        right.append(np.mean([(model.told(x[a], y[a], x[b], rows.source) == y[b]).mean() for a, b in folds]))
    best, rows = models[int(np.argmax(right))]
    return str(best), float((best.told(*rows.few, rows.test[0], rows.source) == cell.test[1]).mean())


def measure(seconds: float, shots: tuple[int, ...]) -> None:
    stop, about = time.monotonic() + seconds, machine.describe("scikit-learn", "headstart")
    done = {(r["target"], r["shots"], r["draw"]) for r in store.read(NAME)}
    for size in shots:
        for draw, name in product(range(DRAWS[size]), TARGETS):
            if (name, size, draw) in done or time.monotonic() > stop:
                continue
            cell = drawn(name, size, draw)
            if cell is None:
                continue
            began = time.process_time()
            model = TransferClassifier(None if cell.source is None else _source(cell.source)).fit(*cell.few)
            mine, spent = float(model.score(*cell.test)), time.process_time() - began
            picked, theirs = rival(cell)
            record = {
                "target": name, "shots": size, "draw": draw, "tested": len(cell.test[1]), "headstart": mine,
                "rival": theirs, "picked": picked, "kept": model.kept_, "cpu": round(spent, 2),
                "rival_cpu": round(time.process_time() - began - spent, 2),
            }  # fmt: skip
            store.append(NAME, record | about)
            print(
                size,
                draw,
                name,
                *(record[key] for key in ("headstart", "rival", "picked", "cpu", "rival_cpu")),
                flush=True,
            )


def _source(rows: Rows) -> LogisticRegression:
    return LogisticRegression(C=0.1, max_iter=500).fit(*rows)


def page(records: list[dict[str, Any]]) -> str:
    parts = []
    for size in DRAWS:
        mine = [r for r in records if r["shots"] == size]
        if mine:
            parts.append(section(size, mine))
    return TEXT.format(date=records[-1]["date"], machine=records[-1]["machine"], parts="\n\n".join(parts))


def section(size: int, records: list[dict[str, Any]]) -> str:
    """Return the table of one number of labels: gains in points, with 95% t intervals over draws and over targets."""
    rows, means, below = [], [], 0
    for name in dict.fromkeys(r["target"] for r in records):
        part = [r for r in records if r["target"] == name]
        gains = np.array([100 * (r["headstart"] - r["rival"]) for r in part])
        mean, low, high = interval(gains)
        means.append(mean)
        below += high < -1
        shown = [f"{100 * np.mean([r[key] for r in part]):.1f}" for key in ("headstart", "rival")]
        cpu = f"{np.mean([r['cpu'] for r in part]):.1f}"
        rows.append(
            f"| {name} | {len(part)} | {shown[0]} | {shown[1]} | {mean:+.1f} ({low:+.1f} to {high:+.1f}) | {cpu} |"
        )
    mean, low, high = interval(np.array(means))
    won = mean >= AIMS[size] and low > 0 and not below
    head = "| target | draws | Headstart | best plain | gain, points | CPU s |\n|---|---|---|---|---|---|\n"
    return (
        f"## {size} labels per class: {'won' if won else 'lost'}\n\nMean over {len(means)} targets {mean:+.1f} points "
        f"({low:+.1f} to {high:+.1f}; aim {AIMS[size]:+.0f}, interval above 0); {below} targets wholly below -1 "
        "(aim 0).\n\n"
        + head + "\n".join(rows)
    )  # fmt: skip


def interval(values: Array) -> tuple[float, float, float]:
    from scipy.stats import t

    mean, n = float(values.mean()), len(values)
    half = float(t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return mean, mean - half, mean + half


TEXT = """# Better than what a person does in five lines?

`python -m benchmarks.bar`, measured {date} on {machine}, one thread, beside other work. The default
`TransferClassifier` (with the source's logistic regression on at most 400 rows, where there is one) against the best,
by 5-fold cross-validation on the same labels, of logistic regression (raw or scaled, six strengths), boosted trees
(tables, 4 or 8 leaves), and logistic regression on these rows and the source's together. The targets were listed in a
commit before the first was run; nothing was settled on them. Intervals: 95%, Student's t over draws, then over targets.

This is the second measurement. The first one was lost at all three sizes (+2.2, +0.9 and -2.5 points), at 100 labels to
boosted trees on bikes; that cause was known when trees were put beside the linear answer on tables of 10 to 2,000 rows
and at most 50 columns. Which trees, and how they are mixed in, was settled on other data (docs/log.md). The rival's
figures are those of the first measurement, on the same draws. Run again in all 94 cells of 20 and 100 labels it differs
in 11, all of incomes, by up to 3 points either way, where logistic regression on raw columns stops before it has
converged; with these the means are +1.8 (+0.2 to +3.3) and +0.2 (-0.9 to +1.2).

{parts}
"""


def run(name: str, measure: Callable[[float], None], page: Callable[[list[Any]], str], path: Path, about: str) -> None:
    """Measure for the minutes that the command asks for, and write the page of all there is."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--minutes", type=float, default=10.0)
    asked = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        measure(60 * asked.minutes)
    store.pack(name)
    write_text(path, page(store.read(name)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--shots", type=int, action="append", choices=tuple(DRAWS))
    asked = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        measure(60 * asked.minutes, tuple(asked.shots or DRAWS))
    store.pack(NAME)
    write_text(PAGE, page(store.read(NAME)))


if __name__ == "__main__":
    main()
