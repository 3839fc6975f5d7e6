"""Sources without labels, on MNIST: ``python -m benchmarks.few.without_labels anomalies|sources [--seeds N]``.

``anomalies``: each digit alone is learned by an autoencoder (400 pictures, code of 16), and 100 test pictures of every
digit are scored: AUROC of the other digits against its own, beside PCA of 16 components and an isolation forest.
``sources``: 1,000 pictures are learned without labels; then a linear probe on 5, 20 and 100 labels per class, beside
random weights, raw pixels and the bundled letters, on 1,000 test pictures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import roc_auc_score

import headstart as hs
from benchmarks import machine, store
from benchmarks.views import data_folder
from headstart.networks import open_source

Array = np.ndarray
LEARNED, SCORED, CODE = 400, 100, 16
UNLABELLED, TESTED, SHOTS = 1000, 1000, (5, 20, 100)
METHODS = ("autoencoder", "denoising", "vae", "mae", "simclr", "vicreg", "barlow")


def digits() -> dict[str, tuple[Array, Array]]:
    with np.load(data_folder() / "mnist" / "mnist.npz") as file:
        names = {name.lower(): name for name in file.files}
        return {part: (file[names[f"x_{part}"]], file[names[f"y_{part}"]]) for part in ("train", "test")}


def flat(pictures: Array) -> Array:
    return pictures.reshape(len(pictures), -1) / 255.0


def pretrained(pictures: Array, method: str, epochs: int, seed: int, folder: Path) -> Any:
    return hs.pretrain(
        (pictures, np.arange(len(pictures)) % 2),  # the labels are not read
        network="headstart/glyphs",
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
    return any(cell.items() <= one.items() for one in store.read("few_without_labels"))


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
            return np.array(pretrained(known, "autoencoder", 10, seed, folder).predict(x[scored]))

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


def sources(seed: int, folder: Path, only: str | None) -> None:
    """What is a source without labels worth for 5, 20 and 100 labels per class?"""
    data, rng = digits(), np.random.default_rng(seed)
    order = rng.permutation(len(data["train"][0]))
    blind, rest = order[:UNLABELLED], order[UNLABELLED:]
    x = rng.permutation(len(data["test"][1]))[:TESTED]
    test = (data["test"][0][x], data["test"][1][x])
    drawn = {n: np.concatenate([rest[data["train"][1][rest] == c][:n] for c in range(10)]) for n in SHOTS}
    glyphs = open_source("headstart/glyphs")
    named = {"raw pixels": None, "random weights": glyphs.build(pretrained=False, seed=seed), "letters": glyphs.build()}
    for method in METHODS if only is None else [only] if only in METHODS else []:
        if is_done("sources", source=method, seed=seed, shots=SHOTS[-1]):
            continue
        before = time.process_time()
        run = pretrained(data["train"][0][blind], method, 8, seed, folder)
        cpu = round(time.process_time() - before, 1)
        probe(method, open_source(str(run.path)).build(), data["train"], test, drawn, seed, cpu)
    for name, network in named.items() if only is None or only not in METHODS else []:
        if is_done("sources", source=name, seed=seed, shots=SHOTS[-1]):
            continue
        probe(name, network, data["train"], test, drawn, seed, 0.0)


def probe(
    name: str,
    network: Any,
    train: tuple[Array, Array],
    test: tuple[Array, Array],
    drawn: dict[int, Array],
    seed: int,
    cpu: float,
) -> None:
    """Fit a linear head on each number of labels, its strength by cross-validation on them."""
    read = flat if network is None else (lambda pictures: features(network, pictures))
    held = read(test[0])
    for shots, rows in drawn.items():
        known = read(train[0][rows])
        mean, std = known.mean(axis=0), known.std(axis=0) + 1e-3
        head = LogisticRegressionCV(Cs=np.logspace(-4, 0, 5), cv=3, max_iter=300)
        head.fit((known - mean) / std, train[1][rows])
        right = head.predict((held - mean) / std) == test[1]
        about = {"source": name, "shots": shots, "seed": seed, "accuracy": float(right.mean()), "n": len(right)}
        record("sources", about | {"cpu": cpu, "unlabelled": UNLABELLED})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("anomalies", "sources"))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", help="one digit, or one method; anything else: the sources that are no method")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(args.seeds):
            (anomalies if args.what == "anomalies" else sources)(seed, Path(folder), args.only)


if __name__ == "__main__":
    main()
