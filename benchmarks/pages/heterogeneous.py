"""docs/heterogeneous.md: a turned space, and Office-Caltech10 from SURF words to MobileNetV2 features.

Each is also measured with Gaussian noise in the place of the source's rows, labels kept: what helps then is no source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import ortho_group

from benchmarks.domains.pairs import standard, unit
from benchmarks.pages.cells import Cell, Record, data_folder, gain, known_rows, markdown
from headstart.shallow.domains import mask
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.heterogeneous.blocks import join_blocks
from headstart.shallow.heterogeneous.cca import BridgeCCA
from headstart.shallow.heterogeneous.coot import COOT
from headstart.shallow.heterogeneous.dama import DAMA
from headstart.shallow.heterogeneous.gromov import GromovWasserstein
from headstart.shallow.heterogeneous.hfa import HFA, SHFA
from headstart.shallow.shells.adapted import Adapted

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
IN_THE_OFFICE = (ALONE, *METHODS, *(name + NOISE for name in ("SHFA", "DAMA")))
DRAWS = 5
"""Seeds 0 to 4: of the made rows, and of the labelled rows of the office."""
SLOW = {"Gromov-Wasserstein": 2, "COOT": 2}
"""Draws of the office for what takes long."""
OFFICE = (("amazon", "webcam"), ("webcam", "amazon"))
SHOTS = 3


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


def office(a: str, b: str, seed: int) -> Case:
    """SURF words of one domain, MobileNetV2 features of another, three labelled rows a class."""
    folder = data_folder() / "office_caltech10"
    words, features = (np.load(folder / name, allow_pickle=False) for name in ("surf_l10.npz", "mobilenet_v2_1280.npz"))
    source, target = standard(unit(words[f"{a}_x"], 1)), unit(features[f"{b}_x"])
    labels = features[f"{b}_y"].astype(int)
    return Case(source, words[f"{a}_y"].astype(int), target, labels, known_rows(labels, SHOTS, seed))


def cells() -> Iterator[Cell]:
    """Every method on every case; with noise too in the turned space, and for the best two in the office."""
    for seed in range(DRAWS):
        for name in (ALONE, *METHODS, *(name + NOISE for name in METHODS)):
            yield Cell({"case": "turned", "seed": seed, "method": name}, partial(measure, name, partial(turned, seed)))
    for seed in range(DRAWS):
        for a, b in OFFICE:
            for name in IN_THE_OFFICE:
                if seed < SLOW.get(name, DRAWS):
                    names = {"case": f"{a} to {b}", "seed": seed, "method": name}
                    yield Cell(names, partial(measure, name, partial(office, a, b, seed)))


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
    """Return the page's two tables: means over draws, the second with differences to the target alone."""
    by: dict[tuple[str, str], list[float]] = {}
    for record in records:
        by.setdefault((record["case"], record["method"]), []).append(record["accuracy"])
    first = [[ALONE, _mean(by, "turned", ALONE), ""]]
    first += [[name, *(_mean(by, "turned", name + end) for end in ("", NOISE))] for name in METHODS]
    cases = [f"{a} to {b}" for a, b in OFFICE]
    second = [[ALONE, str(DRAWS), *(_mean(by, case, ALONE) for case in cases)]]
    for name in IN_THE_OFFICE[1:]:
        second.append([name, str(SLOW.get(name, DRAWS)), *(_with_gain(by, case, name) for case in cases)])
    return f"{markdown(['', 'source', 'noise'], first)}\n\n{markdown(['', 'draws', *cases], second)}"


def _mean(by: dict[tuple[str, str], list[float]], case: str, name: str) -> str:
    return f"{np.mean(by[case, name]):.1f}"


def _with_gain(by: dict[tuple[str, str], list[float]], case: str, name: str) -> str:
    values = by[case, name]
    over = gain(values, by[case, ALONE][: len(values)]).replace(" (", ": ").removesuffix(")")
    return f"{_mean(by, case, name)} ({over})"
