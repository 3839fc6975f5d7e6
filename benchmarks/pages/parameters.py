"""docs/parameters.md: rings of abalone, one sex as the source and another as the target, with few target labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.pages.cells import Cell, Record, data_folder, markdown
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.joining import join
from headstart.shallow.parameters.forest import TransferredForestRegressor
from headstart.shallow.parameters.stacked import StackedSourcesRegressor
from headstart.shallow.parameters.towards_source import TowardsSourceRegressor
from headstart.shallow.parameters.warm_start import WarmStartRegressor

Array = np.ndarray
PAIRS = (("M", "I"), ("I", "F"))
LABELS = (5, 20, 100)
DRAWS = 5
"""Seeds 0 to 4 draw the labelled target rows; all other target rows are tested on."""
METHODS: dict[str, Callable[[], Any]] = {
    "`TowardsSource`": TowardsSourceRegressor,
    "`TransferredForest`": TransferredForestRegressor,
    "`StackedSources`": StackedSourcesRegressor,
    "`WarmStart`": WarmStartRegressor,
}
NAMES = ("source ridge", "target ridge", "pooled", *METHODS)


def abalone() -> dict[str, tuple[Array, Array]]:
    """Return seven measures and the rings, by sex."""
    table = pd.read_csv(data_folder() / "tabular/abalone/abalone.csv", header=None)
    parts = {str(sex): part for sex, part in table.groupby(0)}
    return {sex: (part.iloc[:, 1:8].to_numpy(float), part[8].to_numpy(float)) for sex, part in parts.items()}


def cells() -> Iterator[Cell]:
    """Every pair, number of labels, draw and model."""
    parts = abalone()
    for a, b in PAIRS:
        for shots in LABELS:
            for seed in range(DRAWS):
                for name in NAMES:
                    names = {"pair": f"{a} to {b}", "labels": shots, "seed": seed, "method": name}
                    yield Cell(names, partial(measure, name, parts[a], parts[b], shots, seed))


def measure(name: str, source: tuple[Array, Array], target: tuple[Array, Array], shots: int, seed: int) -> Record:
    """Return the mean absolute error on the target rows without a label."""
    x, y = target
    known = np.zeros(len(y), dtype=bool)
    known[np.random.default_rng(seed).permutation(len(y))[:shots]] = True
    error = np.abs(_answers(name, source, (x, y), known) - y[~known])
    return {"mae": float(error.mean()), "n_source": len(source[1]), "n_test": int((~known).sum())}


def _answers(name: str, source: tuple[Array, Array], target: tuple[Array, Array], known: Array) -> Array:
    x, y = target
    if name in METHODS:
        return METHODS[name]().fit(*join(*source, x, np.where(known, y, np.nan))).predict(x[~known])
    parts = {"source ridge": [source], "target ridge": [(x[known], y[known])]}
    rows, values = zip(*parts.get(name, [source, (x[known], y[known])]), strict=True)
    return TunedRidge().fit(np.concatenate(rows), np.concatenate(values)).predict(x[~known])


def tables(records: list[Record]) -> str:
    """Return the page's table: means over draws, and deviations where they are seen."""
    lines = []
    for a, b in PAIRS:
        for shots in LABELS:
            mine = [r for r in records if (r["pair"], r["labels"]) == (f"{a} to {b}", shots)]
            lines.append([f"{a} to {b}, {shots}", *(_said(mine, name) for name in NAMES)])
    return markdown(["labels", *NAMES], lines)


def _said(records: list[Record], name: str) -> str:
    errors = np.array([record["mae"] for record in records if record["method"] == name])
    spread = errors.std(ddof=1)
    return f"{errors.mean():.2f}" + (f" ± {spread:.2f}" if spread > 0.015 else "")
