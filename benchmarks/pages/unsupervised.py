"""docs/unsupervised.md: digits 0 to 4 as the source, one labelled row per class of the digits 5 to 9."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.pages.cells import Cell, Record, markdown
from headstart.shallow.unsupervised.clusters import TransferredClusters
from headstart.shallow.unsupervised.dictionary import TransferredDictionary
from headstart.shallow.unsupervised.measure import ARMS, measure_unsupervised
from headstart.shallow.unsupervised.pca import TransferredPCA

DRAWS = 10
"""Seeds 0 to 9 draw the labelled rows."""
FEW = 100
METHODS: dict[str, Any] = {
    "PCA, 20 axes": TransferredPCA(n_components=20),
    "kernel PCA, 20 axes": TransferredPCA(n_components=20, kernel="rbf"),
    "dictionary, 100 atoms": TransferredDictionary(n_atoms=100),
    "20 clusters": TransferredClusters(n_clusters=20),
}


def cells() -> Iterator[Cell]:
    """Every method on all target rows, and on 100 of them drawn with seed 0."""
    rows, digits = load_digits(return_X_y=True)
    low = digits < 5
    target, labels = rows[~low], digits[~low]
    few = np.random.default_rng(0).permutation(len(target))[:FEW]
    for name in METHODS:
        for part in (np.arange(len(target)), few):
            yield Cell(
                {"method": name, "rows": len(part)}, partial(measure, name, rows[low], target[part], labels[part])
            )


def measure(name: str, source: np.ndarray, target: np.ndarray, labels: np.ndarray) -> Record:
    """Return each arm's accuracy and the paired gain of carrying over, in points."""
    found = measure_unsupervised(METHODS[name], source, target, labels, shots=1, seeds=DRAWS)
    gains = {"over_alone": found.over_alone, "over_raw": found.over_raw}
    accuracy = {arm: 100 * found.accuracy[arm].mean for arm in ARMS}
    return {"accuracy": accuracy} | {key: [100 * value for value in gain] for key, gain in gains.items()}


def tables(records: list[Record]) -> str:
    """Return the page's table."""
    sizes = sorted({record["rows"] for record in records}, reverse=True)
    by = {(record["method"], record["rows"]): record for record in records}
    head = [""]
    for size in sizes:
        head += [f"{size} target rows: carried / alone / raw", "carried over alone", "carried over raw"]
    lines = [[name, *(word for size in sizes for word in _words(by[name, size]))] for name in METHODS]
    return markdown(head, lines)


def _words(record: Record) -> list[str]:
    arms = " / ".join(f"{record['accuracy'][arm]:.1f}" for arm in ARMS)
    return [arms, *("{:+.1f} ({:+.1f} to {:+.1f})".format(*record[key]) for key in ("over_alone", "over_raw"))]
