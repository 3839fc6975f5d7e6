"""What the studies behind the pages share: cells that are measured once, and tables of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from headstart.shallow.unsupervised.measure import interval

Record = dict[str, Any]


class Cell(NamedTuple):
    """What a measurement is known by, and how it is made."""

    names: Record
    measure: Callable[[], Record]


def data_folder() -> Path:
    """Return the folder of real data, or leave with one sentence."""
    if not os.environ.get("HEADSTART_DATA"):
        raise SystemExit("HEADSTART_DATA is not set: this study needs real data.")
    return Path(os.environ["HEADSTART_DATA"])


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def known_rows(labels: ArrayLike, shots: int, seed: int) -> np.ndarray:
    """Draw ``shots`` rows of each class, as bool [n]."""
    rng, labels = np.random.default_rng(seed), np.asarray(labels)
    known = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        known[rng.choice(np.flatnonzero(labels == label), shots, replace=False)] = True
    return known


def gain(values: Iterable[float], others: Iterable[float]) -> str:
    """Return the mean paired difference over draws with its 95% Student interval."""
    mean, low, high = interval(np.subtract(list(values), list(others)))
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"
