"""``python -m benchmarks.bar_values [--minutes M]``: the default `TransferRegressor` against what a person tries first.

Six targets, listed before the first was run, on draws of 20 and 100 rows. The rival is the best, by 5-fold
cross-validated absolute error on the same rows, of ridge regression (raw or scaled, strength tuned), boosted trees and
ridge regression on these rows and the source's together. Resumable; needs HEADSTART_DATA.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from benchmarks import bar, machine, store
from headstart.estimators import TransferRegressor

NAME, PAGE = "bar_values", Path(__file__).with_name("BAR_VALUES.md")
DRAWS = {20: 5, 100: 3}
SOURCE_ROWS, TESTED = 400, 1500
STRENGTHS, LEAVES = np.logspace(-2, 3, 6), (4, 8)
Array = np.ndarray
Rows = tuple[Array, Array]


def bikes(column: str, target: int) -> tuple[Rows, Rows]:
    """Return the hourly rents of a part of the table, and of the other part."""
    frame = pd.read_csv(bar.root() / "tabular/bike_sharing/hour.csv")
    x = frame[["mnth", "hr", "holiday", "weekday", "weathersit", "temp", "hum", "windspeed"]].to_numpy(float)
    here, count = (frame[column] == target).to_numpy(), frame["cnt"].to_numpy(float)
    return (x[here], count[here]), (x[~here], count[~here])


def hours(target: tuple[str, ...], source: tuple[str, ...]) -> tuple[Rows, Rows]:
    """Return the weekly hours of people of some employers, and of others."""
    frame = pd.read_csv(bar.root() / "tabular/adult/adult-train.csv.gz", header=None, skipinitialspace=True)
    x, y = pd.get_dummies(frame[[0, 4, 5, 7, 9]]).to_numpy(float), frame[12].to_numpy(float)
    here, there = (frame[1].isin(names).to_numpy() for names in (target, source))
    return (x[here], y[here]), (x[there], y[there])


def rates(target: str, source: str) -> tuple[Rows, Rows]:
    """Return the highest heart rates of a hospital's patients, and of another's."""
    found = []
    for place in (target, source):
        path = bar.root() / f"tabular/heart_disease/processed.{place}.data"
        frame = pd.read_csv(path, header=None, na_values="?").iloc[:, [0, 1, 2, 3, 4, 5, 6, 8, 9, 7]].dropna(subset=[7])
        whole = frame.fillna(frame.median()).to_numpy(float)
        found.append((whole[:, :-1], whole[:, -1]))
    return found[0], found[1]


TARGETS: dict[str, Callable[[], tuple[Rows, Rows]]] = {
    "bikes of 2012, from 2011": lambda: bikes("yr", 1),
    "bikes of days off, from working days": lambda: bikes("workingday", 0),
    "hours of the state's people, from private ones": lambda: hours(bar.STATE, ("Private",)),
    "hours of the self-employed, from private ones": lambda: hours(bar.SELF, ("Private",)),
    "heart rates of Long Beach, from Cleveland": lambda: rates("va", "cleveland"),
    "heart rates of Budapest, from Cleveland": lambda: rates("hungarian", "cleveland"),
}
problem = cache(lambda name: TARGETS[name]())


class Plain(NamedTuple):
    """Ridge regression of one strength (scaled and pooled or not), or boosted trees of so many leaves."""

    strength: float = 0.0
    scaled: bool = False
    pooled: bool = False
    leaves: int = 0

    def told(self, few: Rows, test: Array, source: Rows) -> Array:
        x, y = few
        if self.leaves:
            least = max(2, min(20, len(y) // 10))
            trees = HistGradientBoostingRegressor(max_leaf_nodes=self.leaves, max_iter=40, min_samples_leaf=least)
            return trees.fit(x, y).predict(test)
        if self.pooled:
            x, y = np.concatenate([x, source[0]]), np.concatenate([y, source[1]])
        if self.scaled:
            scale: Any = StandardScaler().fit(x)
            x, test = scale.transform(x), scale.transform(test)
        return Ridge(self.strength).fit(x, y).predict(test)


PLAIN = (
    *(Plain(s, scaled, pooled) for s, scaled, pooled in product(STRENGTHS, (False, True), (False, True))),
    *(Plain(leaves=leaves) for leaves in LEAVES),
)


class Cell(NamedTuple):
    few: Rows
    test: Rows
    source: Rows


def drawn(name: str, n: int, draw: int) -> Cell | None:
    """Draw a cell; None where fewer than 60 rows would be left."""
    (x, y), (xs, ys) = problem(name)
    rng = np.random.default_rng([draw, n])
    order, some = rng.permutation(len(y)), rng.permutation(len(ys))[:SOURCE_ROWS]
    mine, rest = order[:n], order[n:][:TESTED]
    return Cell((x[mine], y[mine]), (x[rest], y[rest]), (xs[some], ys[some])) if len(rest) >= 60 else None


def rival(cell: Cell) -> tuple[str, Array]:
    """Return the best plain model by 5-fold cross-validated absolute error, and what it answers on the test rows."""
    x, y = cell.few
    folds = list(KFold(5, shuffle=True, random_state=0).split(x))

    def error(model: Plain) -> float:
        return float(np.mean([np.abs(model.told((x[a], y[a]), x[b], cell.source) - y[b]).mean() for a, b in folds]))

    best = min(PLAIN, key=error)
    return str(best), best.told(cell.few, cell.test[0], cell.source)


def measure(seconds: float) -> None:
    stop, about = time.monotonic() + seconds, machine.describe("scikit-learn", "headstart")
    done = {(r["target"], r["rows"], r["draw"]) for r in store.read(NAME)}
    for n in DRAWS:
        for draw, name in product(range(DRAWS[n]), TARGETS):
            if (name, n, draw) in done or time.monotonic() > stop:
                continue
            cell = drawn(name, n, draw)
            if cell is None:
                continue
            began = time.process_time()
            model = TransferRegressor(Ridge(10.0).fit(*cell.source)).fit(*cell.few)
            mine, spent = model.predict(cell.test[0]), time.process_time() - began
            picked, theirs = rival(cell)
            truth = cell.test[1]
            spread = np.abs(truth - np.median(truth)).mean()
            shares = [float(1 - np.abs(told - truth).mean() / spread) for told in (mine, theirs)]
            record = {
                "target": name, "rows": n, "draw": draw, "tested": len(truth), "headstart": shares[0],
                "rival": shares[1], "picked": picked, "kept": model.kept_, "trees": model.share_of_trees_,
                "cpu": round(spent, 2),
            }  # fmt: skip
            store.append(NAME, record | about)
            print(n, draw, name, *(record[key] for key in ("headstart", "rival", "picked", "trees")), flush=True)


def section(n: int, records: list[dict[str, Any]]) -> str:
    rows, means = [], []
    for name in dict.fromkeys(r["target"] for r in records):
        part = [r for r in records if r["target"] == name]
        mean, low, high = bar.interval(np.array([100 * (r["headstart"] - r["rival"]) for r in part]))
        means.append(mean)
        shown = " | ".join(f"{100 * np.mean([r[key] for r in part]):.1f}" for key in ("headstart", "rival"))
        cpu = f"{np.mean([r['cpu'] for r in part]):.1f}"
        rows.append(f"| {name} | {len(part)} | {shown} | {mean:+.1f} ({low:+.1f} to {high:+.1f}) | {cpu} |")
    mean, low, high = bar.interval(np.array(means))
    head = "| target | draws | Headstart | best plain | gain, points | CPU s |\n|---|---|---|---|---|---|\n"
    return (
        f"## {n} rows\n\nMean over {len(means)} targets {mean:+.1f} points ({low:+.1f} to {high:+.1f}).\n\n"
        + head
        + "\n".join(rows)
    )


TEXT = """# Values: better than what a person does in five lines?

`python -m benchmarks.bar_values`, measured {date} on {machine}, one thread, beside other work. The share of the mean
absolute deviation from the median that is explained, in points (below 0: the median of the test rows would be better),
of the default `TransferRegressor` with the source's ridge regression on at most 400 rows, against the best, by 5-fold
cross-validated absolute error on the same rows, of ridge regression (raw or scaled, six strengths; these rows alone or
with the source's) and boosted trees (4 or 8 leaves). The targets were listed in a commit before the first was run;
nothing was settled on them, but that trees do well on bikes was known (benchmarks/BAR.md). Intervals: 95%, Student's t
over draws, then over targets.

{parts}
"""


def page(records: list[dict[str, Any]]) -> str:
    parts = [section(n, part) for n in DRAWS if (part := [r for r in records if r["rows"] == n])]
    return TEXT.format(date=records[-1]["date"], machine=records[-1]["machine"], parts="\n\n".join(parts))


def main() -> None:
    bar.run(NAME, measure, page, PAGE, __doc__ or "")


if __name__ == "__main__":
    main()
