"""More pairs to learn on that no figure is reported on: subgroups of real sets, and shares of classes that differ.

They stand beside `development.py`: unlike sexes and ages of shellfish, kinds within a superclass, genres of text,
people who draw, instruments that drift, film reviews through the sentence encoder, and the same with other shares.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator

import numpy as np
from scipy import sparse
from scipy.ndimage import gaussian_filter1d, rotate, zoom
from sklearn.datasets import load_diabetes, make_friedman2, make_friedman3

from benchmarks.domains.development import film_texts, films, mobilenet_features, pictures, spoken, worse
from benchmarks.domains.pairs import Pair, root, unit

Array = np.ndarray
MOST = 600
"""Rows drawn at most of each domain."""
SUPERCLASS = (
    "4 1 14 8 0 6 7 7 18 3 3 14 9 18 7 11 3 9 7 11 6 11 5 10 7 6 13 15 3 15 0 11 1 10 12 14 16 9 11 5 5 "
    "19 8 8 15 13 14 17 18 10 16 4 17 4 2 0 17 4 18 17 10 3 2 12 12 16 12 1 9 19 2 10 0 1 16 12 9 13 15 "
    "13 16 19 2 4 6 19 5 5 8 19 18 1 2 15 6 0 17 8 14 13 "
)
"""The superclass of each of CIFAR-100's classes, in alphabetical order."""
GENRES = ("answers", "email", "newsgroup", "reviews", "weblog")
TAGS = ("NOUN", "VERB", "PRON", "ADP", "DET", "ADJ", "PROPN", "ADV")
SERIES = ("CBF", "Synthetic_control", "ItalyPowerDemand", "ECG200", "Adiac", "GunPoint")


GRID = (1, 16, 16)
"""Of digits as they are everywhere in this benchmark."""


def _pair(
    benchmark: str,
    name: str,
    source: tuple[Array, Array],
    target: tuple[Array, Array],
    kind: str = "classification",
    grid: tuple[int, int, int] | None = None,
) -> Pair:
    return Pair(benchmark, name, *source, target[0], target[0], target[1], kind, grid=grid)


def _some(x: Array, y: Array, rng: np.random.Generator, most: int = MOST) -> tuple[Array, Array]:
    rows = rng.permutation(len(y))[:most]
    return x[rows], y[rows]


def _shellfish() -> tuple[Array, Array, Array]:
    """Return abalone's sex, seven measurements and rings."""
    with (root() / "tabular/abalone/abalone.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    return np.array([r[0] for r in rows]), np.array([r[1:8] for r in rows], float), np.array([int(r[8]) for r in rows])


def abalone() -> Iterator[Pair]:
    """Abalone, three classes of age: from one sex to another, infants among them, whose ages differ."""
    sex, x, rings = _shellfish()
    age = np.digitize(rings, (9, 11))
    rng = np.random.default_rng(0)
    for a, b in (("I", "M"), ("M", "I"), ("I", "F"), ("F", "M")):
        sides = [_some(x[sex == one], age[sex == one], rng) for one in (a, b)]
        yield _pair("abalone", f"{a}->{b}", *_scaled(sides))


def _scaled(sides: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    mean, scale = sides[0][0].mean(axis=0), sides[0][0].std(axis=0)
    return [((x - mean) / np.where(scale > 0, scale, 1.0), y) for x, y in sides]


def subgroup_values() -> Iterator[Pair]:
    """Values: abalone's rings by sex, diabetes by sex, two of Friedman's functions under covariate shift and drift."""
    sex, x, rings = _shellfish()
    rng = np.random.default_rng(1)
    for a, b in (("I", "M"), ("M", "I"), ("F", "I"), ("F", "M")):
        sides = [_some(x[sex == one], rings[sex == one].astype(float), rng) for one in (a, b)]
        yield _pair("subgroup_values", f"abalone {a}->{b}", *_scaled(sides), kind="regression")
    x, y = load_diabetes(return_X_y=True)
    rest = np.delete(x, 1, axis=1)
    for first in (True, False):
        sides = [(rest[(x[:, 1] > 0) == side], y[(x[:, 1] > 0) == side].astype(float)) for side in (first, not first)]
        yield _pair("subgroup_values", f"diabetes {int(first)}->{int(not first)}", *_scaled(sides), kind="regression")
    for name, make in (("second", make_friedman2), ("third", make_friedman3)):
        for seed in range(3):
            x, y = make(800, noise=0.1, random_state=seed)
            axis = x[:, seed]
            near = rng.random(len(x)) < 1 / (1 + np.exp(-3 * (axis - axis.mean()) / axis.std()))
            target = x[near] + 0.3 * x.std(axis=0) * rng.normal(size=4) * (seed > 0)
            y = (y - y.mean()) / y.std()
            sides = _scaled([(x[~near], y[~near]), (target, y[near])])
            yield _pair("subgroup_values", f"{name} {seed}", *sides, kind="regression")


def kinds() -> Iterator[Pair]:
    """CIFAR-100 through MobileNetV2: superclasses, from two kinds of each to two others; two under blur and noise."""
    stored = np.load(root() / "cifar100/cifar100_small.npz")
    fine = stored["y_train"].astype(np.int64)
    coarse = np.array([int(word) for word in SUPERCLASS.split()])
    within = np.array([(coarse[:number] == group).sum() for number, group in enumerate(coarse)])
    images = stored["x_train"].astype(np.float32) / 255
    rng = np.random.default_rng(0)
    for start in (0, 10):
        sides = []
        for part in (0, 2):
            chosen = np.isin(within[fine], (part, part + 1)) & np.isin(coarse[fine], np.arange(start, start + 10))
            rows = rng.permutation(np.flatnonzero(chosen))[:500]
            sides.append((images[rows], coarse[fine[rows]] - start))
        clean = [(mobilenet_features(x), y) for x, y in sides]
        yield _pair("kinds", f"{start} first->second", *clean)
        yield _pair("kinds", f"{start} second->first", *clean[::-1])
        how = "blur" if start else "noise"
        other = mobilenet_features(worse(sides[1][0], how, rng)), sides[1][1]
        yield _pair("kinds", f"{start} first->second {how}", clean[0], other)


def lungs() -> Iterator[Pair]:
    """Chest pictures, 14 x 14 pixels, pneumonia or none: dark to bright, bright to dark, training part to test part."""
    stored = np.load(root() / "medmnist/pneumoniamnist.npz")
    rng = np.random.default_rng(0)

    def part(name: str) -> tuple[Array, Array]:
        small = stored[f"{name}_images"].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)
        return small / 255, stored[f"{name}_labels"][:, 0].astype(np.int64)

    x, y = part("train")
    dark = x.mean(axis=1) < np.median(x.mean(axis=1))
    sides = [_some(x[side], y[side], rng) for side in (dark, ~dark)]
    grid = (1, 14, 14)
    yield _pair("lungs", "dark->bright", *sides, grid=grid)
    yield _pair("lungs", "bright->dark", *sides[::-1], grid=grid)
    yield _pair("lungs", "training->test", _some(x, y, rng), _some(*part("test"), rng), grid=grid)


def drawn() -> Iterator[Pair]:
    """Omniglot, 15 x 15 pixels: characters of one alphabet, ten people's drawings to ten others', and turned."""
    stored = np.load(root() / "omniglot/omniglot_full.npz")
    ink = np.unpackbits(stored["background_bits"], axis=1)[:, :11025].reshape(-1, 15, 7, 15, 7).mean(axis=(2, 4))
    number, names = stored["background_y"], stored["background_chars"]
    alphabet = np.array([str(name).replace("\\", "/").split("/")[0] for name in names])[number]
    for position, name in enumerate(("Greek", "Latin", "Korean")):
        rows = np.flatnonzero(alphabet == name)
        labels = np.unique(number[rows], return_inverse=True)[1]
        person = np.array([(labels[:i] == label).sum() for i, label in enumerate(labels)])
        sides = [(rows[side], labels[side]) for side in (person < 10, person >= 10)]
        for degrees in (0, 20) if position < 2 else (0,):
            turned = rotate(ink[sides[1][0]], degrees, axes=(2, 1), reshape=False, order=1)
            source = unit(ink[sides[0][0]].reshape(-1, 225)), sides[0][1]
            target = unit(turned.reshape(-1, 225)), sides[1][1]
            yield _pair("drawn", f"{name} turned {degrees}", source, target, grid=(1, 15, 15))


def tags() -> Iterator[Pair]:
    """Parts of speech of English words in context (GloVe, three words): from one genre of the web to another."""
    stored = np.load(root() / "weights/glove_twitter_25d_12k/glove_twitter_25d.npz")
    vectors = {str(word): vector for word, vector in zip(stored["words"], stored["vectors"].astype(float), strict=True)}
    found: dict[str, list[tuple[Array, int]]] = {genre: [] for genre in GENRES}
    genre, sentence = "", []
    text = "".join(
        gzip.decompress((root() / f"ud_pos/en_ewt-{part}.conllu.gz").read_bytes()).decode() for part in ("dev", "test")
    )
    for line in text.splitlines():
        if line.startswith("# sent_id"):
            genre = line.split(" = ")[1].split("-")[0]
        elif line[:1].isdigit() and line.split("\t")[0].isdigit():
            sentence.append((line.split("\t")[1].lower(), line.split("\t")[3]))
        elif not line:
            found[genre] += _in_context(sentence, vectors)
            sentence = []
    rng = np.random.default_rng(0)
    domains = {
        name: _some(np.array([x for x, _ in rows]), np.array([y for _, y in rows]), rng) for name, rows in found.items()
    }
    for number, a in enumerate(GENRES):
        for step in (1, 2):
            b = GENRES[(number + step) % len(GENRES)]
            yield _pair("tags", f"{a}->{b}", domains[a], domains[b])


def _in_context(sentence: list[tuple[str, str]], vectors: dict[str, Array]) -> list[tuple[Array, int]]:
    nothing = np.zeros(25)
    words = [nothing, *(vectors.get(word, nothing) for word, _ in sentence), nothing]
    return [
        (np.concatenate(words[i : i + 3]), TAGS.index(tag))
        for i, (_, tag) in enumerate(sentence)
        if tag in TAGS and words[i + 1] is not nothing
    ]


def series() -> Iterator[Pair]:
    """UCR series whose second half was recorded slower, or with a drift and noise."""
    rng = np.random.default_rng(0)
    for name in SERIES:
        stored = np.load(root() / f"ucr/{name}.npz")
        x = np.concatenate([stored["x_train"], stored["x_test"]]).astype(float)
        labels = np.concatenate([stored["y_train"], stored["y_test"]])
        x, labels = _some(x, np.unique(labels, return_inverse=True)[1], rng, 1000)
        half = len(x) // 2
        source = x[:half], labels[:half]
        known = np.isin(labels[half:], labels[:half])
        target, hidden = x[half:][known], labels[half:][known]
        slow = np.asarray(zoom(target, (1, 1.15), order=1))[:, : x.shape[1]]
        drift = target + x.std() * np.linspace(-0.5, 0.5, x.shape[1]) * rng.normal(1, 0.3, size=(len(target), 1))
        drift = drift + 0.4 * x.std() * gaussian_filter1d(rng.normal(size=target.shape), 1.0, axis=1)
        yield _pair("series", f"{name} slow", source, (slow, hidden))
        yield _pair("series", f"{name} drift", source, (drift, hidden))


def coloured() -> Iterator[Pair]:
    """MNIST to MNIST-M in grey and back, MNIST turned, and USPS to MNIST-M; 16 x 16 pixels. Left out with `digits`."""
    rng = np.random.default_rng(0)
    mnist, usps = np.load(root() / "mnist/mnist.npz"), np.load(root() / "usps/usps.npz")
    mixed = np.load(root() / "mnist_m/mnist_m_test.npz")

    def small(pictures: Array, size: int) -> Array:
        return np.asarray(zoom(pictures.astype(float), (1, 16 / size, 16 / size), order=1))

    x, y = _some(mnist["x_train"], mnist["y_train"].astype(np.int64), rng)
    plain = unit(small(x, 28).reshape(len(y), -1)), y
    other, truth = _some(mixed["x"], mixed["y"].astype(np.int64), rng)
    grey = unit(small(other.mean(axis=3), 32).reshape(len(truth), -1)), truth
    x, y = _some(mnist["x_train"], mnist["y_train"].astype(np.int64), rng)
    turned = unit(rotate(small(x, 28), 30, axes=(2, 1), reshape=False, order=1).reshape(len(y), -1)), y
    x, y = _some(usps["x_train"], usps["y_train"].astype(np.int64), rng)
    post = unit(x.reshape(len(y), -1)), y
    yield _pair("coloured", "mnist->mnist-m", plain, grey, grid=GRID)
    yield _pair("coloured", "mnist-m->mnist", grey, plain, grid=GRID)
    yield _pair("coloured", "mnist->turned", plain, turned, grid=GRID)
    yield _pair("coloured", "usps->mnist-m", post, grey, grid=GRID)


def encoded_films() -> Iterator[Pair]:
    """The film reviews of `films` through the sentence encoder, by topic, and from their openings to their endings."""
    from benchmarks.domains.texts import encoded

    texts, labels, topic = film_texts()
    openings = encoded(texts)
    for a in range(3):
        for b in range(3):
            if a != b:
                sides = [(openings[topic == side], labels[topic == side]) for side in (a, b)]
                yield _pair("encoded_films", f"{a}->{b}", *sides)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(texts))[: 2 * MOST]
    first, second = order[:MOST], order[MOST:]
    endings = encoded([" ".join(texts[i].split()[-100:]) for i in second])
    yield _pair("encoded_films", "opening->ending", (openings[first], labels[first]), (endings, labels[second]))
    yield _pair("encoded_films", "ending->opening", (endings, labels[second]), (openings[first], labels[first]))


OTHER_SHARES: dict[Callable[[], Iterator[Pair]], tuple[str, ...]] = {
    pictures: ("clean->grey", "clean->blur", "clean->contrast", "clean->noise"),
    kinds: ("0 first->second", "10 second->first"),
    tags: ("answers->email", "reviews->answers"),
    encoded_films: ("0->1", "1->2", "2->0", "opening->ending"),
    films: ("0->1", "1->2"),
    drawn: ("Greek turned 0",),
    spoken: ("george->jackson", "lucas->nicolas", "theo->jackson"),
}


def other_shares() -> Iterator[Pair]:
    """Pairs of the other sets, with classes of far other shares in the target: half of the classes a fifth as often."""
    for number, (loader, names) in enumerate(OTHER_SHARES.items()):
        for position, pair in enumerate(one for one in loader() if one.name in names):
            rng = np.random.default_rng([number, position])
            classes = np.unique(pair.test_y)
            rare = rng.permutation(classes)[: len(classes) // 2]
            keep = np.flatnonzero(~np.isin(pair.test_y, rare) | (rng.random(len(pair.test_y)) < 0.2))
            source, labels = pair.source_x, pair.source_y
            if position % 2:  # and the others in the source
                common = np.setdiff1d(classes, rare)
                some = np.flatnonzero(~np.isin(labels, common) | (rng.random(len(labels)) < 0.3))
                source, labels = source[some], labels[some]
            target = sparse.csr_matrix(pair.target_x)[keep] if sparse.issparse(pair.target_x) else pair.target_x[keep]
            kept = target, pair.test_y[keep]
            yield _pair("other_shares", f"{pair.benchmark} {pair.name}", (source, labels), kept, grid=pair.grid)
