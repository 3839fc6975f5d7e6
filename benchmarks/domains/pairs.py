"""The pairs of domains that the benchmark runs on: a labelled source, inputs of a target to adapt on, a labelled test.

Every loader reads real data under ``HEADSTART_DATA``. Where `Pair.transductive` holds, the target's inputs are the test
inputs themselves. Its labels are for scoring; nothing that adapts or chooses is handed them.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

Array = np.ndarray
ROWS = 2000
"""Rows drawn at most per side of a table (adult, wine, bike)."""
TEXTS = 1000
"""Texts per domain that are encoded, half of them positive."""


class Pair(NamedTuple):
    """One source and one target.

    Attributes
    ----------
    source_x : [n, d] dense or CSR. source_y : [n] class numbers or values. target_x : [m, d] inputs to adapt on.
    test_x, test_y : what is scored; test_x is target_x where the protocol is transductive.
    kind : "classification" or "regression". source_domain : [n] numbers from 1 where there are several sources.
    target_y : labels of target_x for the supervised ceiling alone, where the test rows are others.
    grid : channels, height and width of rows that are pictures.
    """

    benchmark: str
    name: str
    source_x: Any
    source_y: Array
    target_x: Any
    test_x: Any
    test_y: Array
    kind: str = "classification"
    source_domain: Array | None = None
    target_y: Array | None = None
    grid: tuple[int, int, int] | None = None

    @property
    def transductive(self) -> bool:
        return self.test_x is self.target_x


class Domain(NamedTuple):
    """One domain of a benchmark whose domains are paired with each other."""

    x: Any
    y: Array


def root() -> Path:
    """Return the folder of real data, or leave with one sentence."""
    folder = os.environ.get("HEADSTART_DATA")
    if not folder:
        raise SystemExit("HEADSTART_DATA is not set: the benchmark across domains needs real data.")
    return Path(folder)


def crossed(benchmark: str, domains: dict[str, Domain]) -> Iterator[Pair]:
    """Yield every ordered pair of domains, transductive."""
    for (a, source), (b, target) in itertools.permutations(domains.items(), 2):
        yield Pair(benchmark, f"{a}->{b}", source.x, source.y, target.x, target.x, target.y)


def unit(x: Array, order: int = 2) -> Array:
    """Return rows of length 1."""
    x = np.asarray(x, dtype=np.float64)
    length = np.linalg.norm(x, ord=order, axis=1, keepdims=True)
    return x / np.where(length == 0, 1.0, length)


def standard(x: Array) -> Array:
    """Return columns of mean 0 and deviation 1 (n - 1, as MATLAB's zscore of the published protocol)."""
    deviation = x.std(axis=0, ddof=1)
    return (x - x.mean(axis=0)) / np.where(deviation == 0, 1.0, deviation)


OFFICE = {"C": "caltech10", "A": "amazon", "W": "webcam", "D": "dslr"}


def _office(file: str, prepare: Callable[[Array], Array]) -> dict[str, Domain]:
    arrays = np.load(root() / "office_caltech10" / file, allow_pickle=False)
    found = {letter: name for letter, name in OFFICE.items() if f"{name}_x" in arrays}
    return {
        letter: Domain(prepare(arrays[f"{name}_x"].astype(np.float64)), arrays[f"{name}_y"].astype(np.int64))
        for letter, name in found.items()
    }


def surf() -> Iterator[Pair]:
    """Office-Caltech10, SURF histograms (800); rows of L1 length 1, then z-scores per domain; transductive."""
    yield from crossed("surf", _office("surf_l10.npz", lambda x: standard(unit(x, 1))))


def googlenet() -> Iterator[Pair]:
    """Office-Caltech10, GoogLeNet features (1,024) of amazon, dslr and webcam; rows of L2 length 1; transductive."""
    yield from crossed("googlenet", _office("googlenet1024_amazon_dslr_webcam.npz", unit))


def mobilenet() -> Iterator[Pair]:
    """Office-Caltech10, MobileNetV2 features (1,280); rows of L2 length 1; transductive."""
    yield from crossed("mobilenet", _office("mobilenet_v2_1280.npz", unit))


def digits() -> Iterator[Pair]:
    """MNIST (2,000) and USPS (1,800), 16 x 16 pixels (256); rows of L2 length 1; transductive."""
    arrays = np.load(root() / "mnist_usps_jda/mnist_usps_jda.npz", allow_pickle=False)
    parts = {"M": "mnist", "U": "usps"}
    domains = {k: Domain(unit(arrays[f"{v}_x"]), arrays[f"{v}_y"].astype(np.int64)) for k, v in parts.items()}
    yield from (pair._replace(grid=(1, 16, 16)) for pair in crossed("digits", domains))


def amazon() -> Iterator[Pair]:
    """Amazon reviews, presence of 5,000 words and word pairs (CSR); 2,000 + 2,000 to learn from, the target's test."""
    arrays = np.load(root() / "amazon_reviews/amazon_dann_5000.npz", allow_pickle=False)

    def part(name: str) -> Domain:
        pieces = [arrays[f"{name}_{key}"] for key in ("data", "indices", "indptr")]
        x = sparse.csr_matrix((np.ones(len(pieces[0])), *pieces[1:]), shape=(len(pieces[2]) - 1, 5000))
        return Domain(x, arrays[f"{name}_y"].astype(np.int64))

    names = {"B": "books", "D": "dvd", "E": "electronics", "K": "kitchen"}
    train = {letter: part(f"{name}_train") for letter, name in names.items()}
    test = {letter: part(f"{name}_test") for letter, name in names.items()}
    for a, b in itertools.permutations(names, 2):
        scored = (test[b].x, test[b].y)
        yield Pair("amazon", f"{a}->{b}", train[a].x, train[a].y, train[b].x, *scored, target_y=train[b].y)


def amazon_text() -> Iterator[Pair]:
    """Amazon reviews, raw texts (500 + 500 per domain) through the MiniLM sentence encoder (384); transductive."""
    from benchmarks.domains.texts import encoded

    names = {"B": "books", "D": "dvd", "E": "electronics", "K": "kitchen"}
    found: dict[str, list[dict[str, Any]]] = {letter: [] for letter in names}
    with gzip.open(root() / "amazon_reviews/amazon_raw_4domains.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    for letter, name in names.items():
        for label in (0, 1):
            same = [row for row in rows if row["domain"] == name and row["label"] == label]
            picks = np.random.default_rng(label).permutation(len(same))[: TEXTS // 2]
            found[letter] += [same[i] for i in sorted(picks)]
    texts = [f"{row['title']}. {row['text']}" for part in found.values() for row in part]
    features = np.split(encoded(texts), np.cumsum([len(part) for part in found.values()])[:-1])
    labels = [np.array([row["label"] for row in part]) for part in found.values()]
    yield from crossed("amazon_text", {k: Domain(x, y) for k, x, y in zip(names, features, labels, strict=True)})


class Column(NamedTuple):
    """One column of a table: its name, and whether it is a category."""

    name: str
    category: bool


def encode(source: list[list[str]], target: list[list[str]], columns: list[Column]) -> tuple[Array, Array]:
    """Return both sides' rows as numbers.

    Numbers: missing ones by the source's median, with an indicator; z-scores by the source. Categories: one column per
    value that either side shows, missing among them.
    """
    parts: list[tuple[Array, Array]] = []
    for j, column in enumerate(columns):
        sides = [[row[j].strip() for row in side] for side in (source, target)]
        parts += _categories(*sides) if column.category else _numbers(*sides)
    first, second = (np.column_stack(list(side)) for side in zip(*parts, strict=True))
    return first, second


def _categories(source: list[str], target: list[str]) -> list[tuple[Array, Array]]:
    first, second = np.array(source), np.array(target)
    return [((first == v).astype(float), (second == v).astype(float)) for v in sorted({*source, *target})]


def _numbers(source: list[str], target: list[str]) -> list[tuple[Array, Array]]:
    first, second = (np.array([np.nan if v in ("?", "") else float(v) for v in side]) for side in (source, target))
    holes = [np.isnan(side) for side in (first, second)]
    median = np.nanmedian(first) if not holes[0].all() else 0.0
    filled = [np.where(hole, median, side) for hole, side in zip(holes, (first, second), strict=True)]
    scale = filled[0].std() or 1.0
    out = [((filled[0] - filled[0].mean()) / scale, (filled[1] - filled[0].mean()) / scale)]
    if holes[0].any() or holes[1].any():
        out.append((holes[0].astype(float), holes[1].astype(float)))
    return out


def _read(path: Path, **options: Any) -> list[list[str]]:
    blob = path.read_bytes()
    text = (gzip.decompress(blob) if path.suffix == ".gz" else blob).decode("utf-8")
    return [row for row in csv.reader(text.splitlines(), **options) if len(row) > 1]


def _draw(rows: list[list[str]], seed: int = 0, n: int = ROWS) -> list[list[str]]:
    chosen = np.random.default_rng(seed).permutation(len(rows))[:n]
    return [rows[i] for i in sorted(chosen)]


HEART = [
    Column("age", False),
    Column("sex", True),
    Column("cp", True),
    Column("trestbps", False),
    Column("chol", False),
    Column("fbs", True),
    Column("restecg", True),
    Column("thalach", False),
    Column("exang", True),
    Column("oldpeak", False),
    Column("slope", True),
    Column("ca", False),
    Column("thal", True),
]


def heart() -> Iterator[Pair]:
    """Heart disease (none or some): each of four hospitals as the target, the other three as sources; transductive.

    A cholesterol or blood pressure of 0 is missing, as are question marks.
    """
    hospitals = ("cleveland", "hungarian", "switzerland", "va")
    tables = {name: _read(root() / f"tabular/heart_disease/processed.{name}.data") for name in hospitals}
    for rows in tables.values():
        for row in rows:
            row[:] = [_plain_number(v) for v in row]
            row[3], row[4] = ("?" if row[j] == "0" else row[j] for j in (3, 4))
    for name in hospitals:
        others = [other for other in hospitals if other != name]
        rows = [row for other in others for row in tables[other]]
        number = np.concatenate([np.full(len(tables[other]), i + 1) for i, other in enumerate(others)])
        source, target = encode(rows, tables[name], HEART)
        labels = [np.array([int(row[13] != "0") for row in side]) for side in (rows, tables[name])]
        yield Pair("heart", f"others->{name}", source, labels[0], target, target, labels[1], source_domain=number)


def _plain_number(value: str) -> str:
    value = value.strip()
    return value if value in ("?", "") else f"{float(value):g}"


ADULT = [
    Column("age", False),
    Column("workclass", True),
    Column("fnlwgt", False),
    Column("education", True),
    Column("education_num", False),
    Column("marital", True),
    Column("occupation", True),
    Column("relationship", True),
    Column("race", True),
    Column("sex", True),
    Column("gain", False),
    Column("loss", False),
    Column("hours", False),
    Column("country", True),
]


def adult() -> Iterator[Pair]:
    """Adult census income: split by age at 40, both ways, and by marriage; 2,000 rows a side; transductive."""
    rows = _read(root() / "tabular/adult/adult-train.csv.gz", skipinitialspace=True)
    old = [int(row[0]) >= 40 for row in rows]
    married = [row[5] in ("Married-civ-spouse", "Married-AF-spouse") for row in rows]
    splits = {"under 40->40 and over": old, "40 and over->under 40": [not o for o in old]}
    splits["married->not married"] = [not m for m in married]
    for name, target in splits.items():
        sides = [_draw([r for r, t in zip(rows, target, strict=True) if t is side]) for side in (False, True)]
        source_x, target_x = encode(*sides, ADULT)
        labels = [np.array([int(row[14].startswith(">50K")) for row in side]) for side in sides]
        yield Pair("adult", name, source_x, labels[0], target_x, target_x, labels[1])


def wine() -> Iterator[Pair]:
    """Wine quality (0 to 10) from 11 measurements: red to white and back; 2,000 rows of white; transductive."""
    colours = {c: _draw(_read(root() / f"tabular/wine_quality/winequality-{c}.csv")) for c in ("red", "white")}
    columns = [Column(str(j), False) for j in range(11)]
    for a, b in itertools.permutations(colours, 2):
        source, target = encode(colours[a], colours[b], columns)
        values = [np.array([float(row[11]) for row in colours[side]]) for side in (a, b)]
        yield Pair("wine", f"{a}->{b}", source, values[0], target, target, values[1], "regression")


def bike() -> Iterator[Pair]:
    """Bicycles hired per hour: 2011 to 2012 and back, 2,000 hours a year; transductive."""
    header, *rows = _read(root() / "tabular/bike_sharing/hour.csv")
    categories = ("season", "mnth", "hr", "weekday", "weathersit")
    numbers = ("holiday", "workingday", "temp", "atemp", "hum", "windspeed")
    columns = [Column(name, True) for name in categories] + [Column(name, False) for name in numbers]
    where = [header.index(column.name) for column in columns]
    years = {str(2011 + y): _draw([row for row in rows if row[header.index("yr")] == str(y)]) for y in (0, 1)}
    for a, b in itertools.permutations(years, 2):
        sides = [[[row[j] for j in where] for row in years[side]] for side in (a, b)]
        values = [np.array([float(row[header.index("cnt")]) for row in years[side]]) for side in (a, b)]
        source, target = encode(*sides, columns)
        yield Pair("bike", f"{a}->{b}", source, values[0], target, target, values[1], "regression")


LOADERS: dict[str, Callable[[], Iterator[Pair]]] = {
    f.__name__: f for f in (surf, googlenet, mobilenet, digits, heart, adult, wine, bike, amazon_text, amazon)
}
TABLES = ("heart", "adult", "wine", "bike")


def pairs(benchmark: str) -> Iterator[Pair]:
    """Yield the pairs of one benchmark of `LOADERS`."""
    if benchmark not in LOADERS:
        raise SystemExit(f"There is no benchmark {benchmark!r}; there are {', '.join(LOADERS)}.")
    yield from LOADERS[benchmark]()
