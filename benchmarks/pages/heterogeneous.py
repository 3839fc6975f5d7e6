"""docs/heterogeneous.md: a target whose space is a turn of the source's.

It is also measured with Gaussian noise in the place of the source's rows, labels kept: what helps then is no source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import ortho_group

from benchmarks.pages.cells import Cell, Record, markdown
from headstart.shallow.domains import mask
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.heterogeneous.blocks import join_blocks
from headstart.shallow.heterogeneous.cca import BridgeCCA
from headstart.shallow.heterogeneous.coot import COOT
from headstart.shallow.heterogeneous.dama import DAMA
from headstart.shallow.heterogeneous.gromov import GromovWasserstein
from headstart.shallow.heterogeneous.hfa import HFA, SHFA
from headstart.shallow.shells import Adapted

Array = np.ndarray
METHODS: dict[str, Callable[[], Any]] = {
    "SHFA": SHFA,
    "DAMA": lambda: Adapted(transformer=DAMA()),
    "HFA": HFA,
    "BridgeCCA": lambda: Adapted(transformer=BridgeCCA()),
    "Gromov-Wasserstein": lambda: Adapted(transformer=GromovWasserstein()),
    "COOT": lambda: Adapted(transformer=COOT()),
}
ALONE = "target alone"
NOISE = ", noise for the source"
DRAWS = 5
"""Seeds 0 to 4."""


class Case(NamedTuple):
    source: Array
    source_labels: Array
    target: Array
    labels: Array
    known: Array


def turned(seed: int) -> Case:
    """120 rows of eight classes in 5 columns, and others turned into 8 columns; one label of each class."""
    rng = np.random.default_rng(seed)
    centres = 6 * np.eye(8, 5) + rng.normal(size=(8, 5))
    turn = ortho_group.rvs(8, random_state=seed)[:5]
    labels = np.arange(120) % 8
    source, target = (centres[labels] + rng.normal(size=(120, 5)) for _ in range(2))
    return Case(source, labels, target @ turn, labels, np.arange(120) < 8)


def cells() -> Iterator[Cell]:
    """Every method, with the source and with noise."""
    for seed in range(DRAWS):
        for name in (ALONE, *METHODS, *(name + NOISE for name in METHODS)):
            yield Cell({"case": "turned", "seed": seed, "method": name}, partial(measure, name, partial(turned, seed)))


def measure(name: str, make: Callable[[], Case]) -> Record:
    """Return the accuracy in points on the target rows without a label."""
    case = make()
    known, asked = case.known, case.target[~case.known]
    if name == ALONE:
        model = TunedLogistic().fit(case.target[known], case.labels[known])
    else:
        source = case.source
        if name.endswith(NOISE):
            source = np.random.default_rng(0).normal(size=source.shape)
        X, y, domain = join_blocks(source, case.source_labels, case.target, mask(case.labels, ~known))
        model = METHODS[name.removesuffix(NOISE)]().fit(X, y, sample_domain=domain)
    right = model.predict(asked) == case.labels[~known]
    return {"accuracy": 100 * float(right.mean()), "n_test": len(right)}


def tables(records: list[Record]) -> str:
    """Return the page's table of means over draws."""
    by: dict[str, list[float]] = {}
    for record in records:
        by.setdefault(record["method"], []).append(record["accuracy"])
    lines = [[ALONE, f"{np.mean(by[ALONE]):.1f}", ""]]
    lines += [[name, *(f"{np.mean(by[name + end]):.1f}" for end in ("", NOISE))] for name in METHODS]
    return markdown(["", "source", "noise"], lines)
