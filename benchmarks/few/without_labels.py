"""Sources without labels: ``python -m benchmarks.few.without_labels anomalies|sources [--data cifar10] [--seeds N]``.

``anomalies``: each digit of MNIST alone is learned by an autoencoder (400 pictures, code of 16), and 100 test pictures
of every digit are scored: AUROC of the other digits against its own, beside PCA of 16 components and an isolation
forest. ``sources``: pictures of MNIST or of CIFAR-10 are learned without labels; then a linear probe on 5, 20 and 100
labels per class, beside random weights, raw pixels and supervised sources, on 1,000 test pictures. Those of MNIST are
the bundled letters; of CIFAR-10, whose body is a Conv-4 in colour, the same body taught other classes of CIFAR-100,
and MobileNetV2 of ImageNet at 64 x 64 pixels.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import roc_auc_score

import headstart as hs
from benchmarks import machine, store
from benchmarks.few.other_classes import colour_conv4, of_other_classes
from benchmarks.views import WEIGHTS, data_folder
from headstart.networks import open_source

Array = np.ndarray
LEARNED, SCORED, CODE = 400, 100, 16
TESTED, SHOTS = 1000, (5, 20, 100)
METHODS = ("autoencoder", "denoising", "vae", "mae", "simclr", "vicreg", "barlow", "dcgan")
DRAWN_EPOCHS = 25
"""Of DCGAN, whose steps are the cheapest; as `benchmarks.few.generating` has it."""
SIDE = 64
"""Pixels of CIFAR-10 through MobileNetV2, as `benchmarks.few.half` has it."""


@dataclass(frozen=True)
class Setting:
    """What a data set is learned with: pictures and epochs without labels, and the networks of methods and of DCGAN."""

    unlabelled: int
    epochs: int
    body: str
    drawing: str


COLOUR = "conv4 in colour"
SETTINGS = {
    "mnist": Setting(1000, 8, "headstart/glyphs", "headstart/dcgan"),
    "cifar10": Setting(3000, 15, COLOUR, "headstart/dcgan-colour"),
}


def digits() -> dict[str, tuple[Array, Array]]:
    with np.load(data_folder() / "mnist" / "mnist.npz") as file:
        names = {name.lower(): name for name in file.files}
        return {part: (file[names[f"x_{part}"]], file[names[f"y_{part}"]]) for part in ("train", "test")}


def flat(pictures: Array) -> Array:
    return pictures.reshape(len(pictures), -1) / 255.0


def colours() -> dict[str, tuple[Array, Array]]:
    with np.load(data_folder() / "cifar10" / "cifar10_small.npz", allow_pickle=False) as file:
        return {part: (file[f"x_{part}"], file[f"y_{part}"].ravel()) for part in ("train", "test")}


def pretrained(pictures: Array, network: str, method: str, epochs: int, seed: int, folder: Path) -> Any:
    return hs.pretrain(
        (pictures, np.arange(len(pictures)) % 2),  # the labels are not read
        network=network,
        method=method,
        epochs=epochs,
        seed=seed,
        budget="30m",
        out=folder / f"{method}-{seed}",
        quiet=True,
        force=True,
    )


def record(name: str, about: dict[str, Any]) -> None:
    store.append("few_without_labels", {"what": name} | about | machine.describe("torch", "headstart"))
    print(name, about, flush=True)


def is_done(what: str, **cell: Any) -> bool:
    """Say whether a cell was measured by a run before."""
    cell = {"what": what} | cell
    return any(cell.items() <= ({"data": "mnist"} | one).items() for one in store.read("few_without_labels"))


def anomalies(seed: int, folder: Path, only: str | None) -> None:
    """One class is usual; how well is every other told apart?"""
    data = digits()
    rng = np.random.default_rng(seed)
    x, y = data["test"]
    scored = np.concatenate([rng.permutation(np.flatnonzero(y == digit))[:SCORED] for digit in range(10)])
    for digit in range(10) if only is None else [int(only)]:
        rows = rng.permutation(np.flatnonzero(data["train"][1] == digit))[:LEARNED]
        known, odd = data["train"][0][rows], (y[scored] != digit).astype(int)

        def by_autoencoder(known: Array = known) -> Array:
            run = pretrained(known, "headstart/glyphs", "autoencoder", 10, seed, folder)
            return np.array(run.predict(x[scored]))

        def by_pca(known: Array = known) -> Array:
            found = PCA(CODE, random_state=seed).fit(flat(known))
            return np.square(flat(x[scored]) - found.inverse_transform(found.transform(flat(x[scored])))).mean(axis=1)

        def by_forest(known: Array = known) -> Array:
            return -IsolationForest(random_state=seed).fit(flat(known)).score_samples(flat(x[scored]))

        ways: dict[str, Callable[[], Array]] = {
            "autoencoder": by_autoencoder,
            "pca": by_pca,
            "isolation forest": by_forest,
        }
        for name, score in ways.items():
            if is_done("anomalies", digit=digit, method=name, seed=seed):
                continue
            before = time.process_time()
            auroc = float(roc_auc_score(odd, score()))
            cpu = round(time.process_time() - before, 2)
            about = {"digit": digit, "method": name, "seed": seed, "auroc": auroc, "n": len(scored), "cpu": cpu}
            record("anomalies", about)


def features(network: Any, pictures: Array) -> Array:
    from headstart.models.network import NetworkModel

    dataset = NetworkModel(network, None).open(pictures)
    from headstart.engine.predict import pooled_features

    return pooled_features(network, dataset, np.arange(len(dataset)))


def sources(seed: int, folder: Path, only: str | None, name: str) -> None:
    """What is a source without labels worth for 5, 20 and 100 labels per class?"""
    data, rng = {"mnist": digits, "cifar10": colours}[name](), np.random.default_rng(seed)
    setting = SETTINGS[name]
    order = rng.permutation(len(data["train"][0]))
    blind, rest = order[: setting.unlabelled], order[setting.unlabelled :]
    x = rng.permutation(len(data["test"][1]))[:TESTED]
    test = (data["test"][0][x], data["test"][1][x])
    drawn = {n: np.concatenate([rest[data["train"][1][rest] == c][:n] for c in range(10)]) for n in SHOTS}
    body = str(colour_conv4(folder / "conv4")) if setting.body == COLOUR else setting.body
    for method in METHODS if only is None else [only] if only in METHODS else []:
        if is_done("sources", data=name, source=method, seed=seed, shots=SHOTS[-1]):
            continue
        before = time.process_time()
        draws = method == "dcgan"
        network, epochs = (setting.drawing, DRAWN_EPOCHS) if draws else (body, setting.epochs)
        run = pretrained(data["train"][0][blind], network, method, epochs, seed, folder)
        about = {"data": name, "cpu": round(time.process_time() - before, 1), "unlabelled": setting.unlabelled}
        probe(method, open_source(str(run.path)).build(), data["train"], test, drawn, seed, about)
    for source, build in beside(name, body, seed).items() if only is None or only not in METHODS else []:
        if not is_done("sources", data=name, source=source, seed=seed, shots=SHOTS[-1]):
            about = {"data": name, "cpu": 0.0, "unlabelled": setting.unlabelled}
            probe(source, build(), data["train"], test, drawn, seed, about)


def beside(name: str, body: str, seed: int) -> dict[str, Callable[[], Any]]:
    """Return what else reads the pictures, by name: nothing, networks that learned nothing, supervised sources."""

    def imagenet() -> Any:
        network = open_source(f"file:{data_folder() / WEIGHTS}", network="torchvision/mobilenet_v2").build()
        network.preprocess = replace(network.preprocess, size=SIDE, crop_pct=1.0)  # type: ignore[type-var]
        return network

    naive: dict[str, Callable[[], Any]] = {
        "raw pixels": lambda: None,
        "random weights": lambda: open_source(body).build(pretrained=False, seed=seed),
        "random dcgan": lambda: open_source(SETTINGS[name].drawing).build(pretrained=False, seed=seed),
    }
    if name == "mnist":
        return naive | {"letters": lambda: open_source("headstart/glyphs").build()}
    return naive | {"other classes": lambda: open_source(str(of_other_classes())).build(), "imagenet": imagenet}


def probe(
    name: str,
    network: Any,
    train: tuple[Array, Array],
    test: tuple[Array, Array],
    drawn: dict[int, Array],
    seed: int,
    about: dict[str, Any],
) -> None:
    """Fit a linear head on each number of labels, its strength by cross-validation on them."""
    read = flat if network is None else (lambda pictures: features(network, pictures))
    held = read(test[0])
    for shots, rows in drawn.items():
        known = read(train[0][rows])
        mean, std = known.mean(axis=0), known.std(axis=0) + 1e-3
        head = LogisticRegressionCV(Cs=np.logspace(-4, 0, 5), cv=3, max_iter=300)
        head.fit((known - mean) / std, train[1][rows])
        right = np.equal(head.predict((held - mean) / std), test[1])
        told = {"source": name, "shots": shots, "seed": seed, "accuracy": float(right.mean()), "n": len(right)}
        record("sources", told | about)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("anomalies", "sources"))
    parser.add_argument("--data", choices=tuple(SETTINGS), default="mnist", help="of sources")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", help="one digit, or one method; anything else: the sources that are no method")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(args.seeds):
            if args.what == "anomalies":
                anomalies(seed, Path(folder), args.only)
            else:
                sources(seed, Path(folder), args.only, args.data)


if __name__ == "__main__":
    main()
