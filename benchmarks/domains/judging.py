"""Intervals, harm and the evidence's regret, from the records of cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.domains.records import Record, unpack

Array = np.ndarray
DRAWS = 4000
BASELINES = ("majority", "source_only", "source_only_standardised", "target_supervised", "target_only", "pooled")


@dataclass(frozen=True)
class Row:
    """One method with one head of one library, over the pairs of a benchmark: pair to record."""

    library: str
    method: str
    head: str
    cells: dict[str, Record]

    @property
    def name(self) -> str:
        library = "" if self.library == "headstart" else f"{self.library}: "
        return f"{library}{self.method}" + ("" if self.head == "own" else f" + {self.head}")

    @property
    def baseline(self) -> bool:
        return self.method in BASELINES


def points(record: Record) -> float:
    """Return accuracy in percent, or the mean absolute error."""
    return 100 * record["accuracy"] if record["kind"] == "classification" else record["mae"]


def finished(record: Record | None) -> bool:
    return record is not None and "failed" not in record


def rows(records: Iterable[Record]) -> list[Row]:
    """Group the records of one benchmark; an automatic choice gives a row without its guard too."""
    found: dict[tuple[str, str, str], dict[str, Record]] = {}
    for record in records:
        found.setdefault((record["library"], record["method"], record["head"]), {})[record["pair"]] = record
        if record["method"] == "auto" and "unguarded" in record:
            bold = {k: v for k, v in record.items() if k not in ("accuracy", "mae", "r2", "rows")} | record["unguarded"]
            found.setdefault((record["library"], "auto_unguarded", record["head"]), {})[record["pair"]] = bold
    return [Row(*key, cells) for key, cells in found.items()]


def interval(record: Record) -> tuple[float, float]:
    """Return the 95% bootstrap interval of a cell over its test rows, in points or in units of the error."""
    random = np.random.default_rng(0)
    n = record["n_test"]
    if record["kind"] == "classification":  # drawing rows with replacement is drawing hits from a binomial
        means = 100 * random.binomial(n, record["accuracy"], size=DRAWS) / n
    else:
        means = _draw(unpack(record), random)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _draw(values: Array, random: Any) -> Array:
    return np.concatenate([values[random.integers(len(values), size=(100, len(values)))].mean(1) for _ in range(10)])


def gain(record: Record, source: Record) -> tuple[float, float, float]:
    """Return the gain over source-only and its paired 95% interval: points, or percent of source-only's error."""
    if record["kind"] == "classification":
        difference, scale = unpack(record) - unpack(source), 100.0
    else:
        difference, scale = unpack(source) - unpack(record), 100.0 / source["mae"]
    random = np.random.default_rng(0)
    if record["kind"] == "classification":
        n = len(difference)
        share = [float((difference == value).mean()) for value in (1, -1)]
        counts = random.multinomial(n, [*share, max(0.0, 1 - sum(share))], size=DRAWS)
        means = (counts[:, 0] - counts[:, 1]) / n
    else:
        means = _draw(difference, random)
    low, high = np.quantile(means, (0.025, 0.975))
    return scale * float(difference.mean()), scale * float(low), scale * float(high)


def over_pairs(values: Array) -> tuple[float, float, float]:
    """Return the mean over pairs and its 95% bootstrap interval."""
    random = np.random.default_rng(0)
    means = values[random.integers(len(values), size=(DRAWS, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(values.mean()), float(low), float(high)


def gains(row: Row, source: Row) -> dict[str, tuple[float, float, float]]:
    """Return pair to gain over source-only, of the cells that both finished."""
    pairs = [p for p, r in row.cells.items() if finished(r) and finished(source.cells.get(p))]
    return {pair: gain(row.cells[pair], source.cells[pair]) for pair in pairs}


def harm(every: Iterable[tuple[float, float, float]]) -> dict[str, float]:
    """Return the shares of cells below source-only by more than half a point, by more than 2, and beyond noise."""
    values = np.array(list(every)).reshape(-1, 3)
    if not len(values):
        return {"cells": 0}
    return {
        "cells": len(values),
        "half": 100 * float((values[:, 0] < -0.5).mean()),
        "two": 100 * float((values[:, 0] < -2).mean()),
        "noise": 100 * float((values[:, 2] < 0).mean()),
        "mean": float(values[:, 0].mean()),
        "worst": float(values[:, 0].min()),
    }


def score(one: dict[str, Any]) -> float:
    """Return a raced candidate's outcome, higher is better: accuracy in percent, or the negative error."""
    return 100 * one["accuracy"] if "accuracy" in one else -one["mae"]


def regrets(record: Record) -> dict[str, float]:
    """Return, for each validator alone, how far the candidate it scores highest is from the race's best."""
    raced = record["raced"]
    best = max(score(one) for one in raced)
    names = [name for name in raced[0]["scores"] if all(name in one["scores"] for one in raced)]
    picks = {name: max(raced, key=lambda one, n=name: one["scores"][n]) for name in names}
    return {name: best - score(one) for name, one in picks.items()}
