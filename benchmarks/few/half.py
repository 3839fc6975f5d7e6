"""Half-labelled pictures and reviews: ``python -m benchmarks.few.half cifar10|reviews [--labels N] [--seed N]``.

``cifar10``: 40 or 250 labels, 1,500 pictures without labels, 1,000 test pictures; MobileNetV2 of ImageNet, which has
seen no label of CIFAR, reads them at 64 x 64 pixels. ``reviews``: 20 labels, 1,500 reviews without labels, 1,000 to
judge; Amazon's reviews of books, discs, electronics and kitchens as the 384 numbers of a sentence encoder. The labels
alone and every half-labelled method, the same labels for all; a quarter of the labels chooses.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import headstart as hs
from benchmarks import machine, store
from benchmarks.views import WEIGHTS, data_folder
from headstart.data.blind import open_blind
from headstart.networks import Network, TablePreprocess, open_source, save_network
from headstart.networks.columns import build_columns, columns_spec

UNLABELLED, TESTED, SIDE = 1500, 1000, 64
LABELS = {"cifar10": (40, 250), "reviews": (20,)}
ALONE = ("probe", "chosen")
HALF = ("self_taught", "pseudo_labels", "mean_teacher", "fixmatch")


def cifar10(labels: int, seed: int, folder: Path) -> tuple[Any, Any, Any, Network]:
    with np.load(data_folder() / "cifar10" / "cifar10_small.npz", allow_pickle=False) as file:
        parts = {part: (file[f"x_{part}"], file[f"y_{part}"].ravel()) for part in ("train", "test")}
        names = [str(name) for name in file["classes"]]
    known, blind = drawn(parts["train"][1], labels, seed)
    chosen = {"known": ("train", known), "blind": ("train", blind), "test": ("test", np.arange(TESTED))}
    for name, (part, rows) in chosen.items():
        x, y = parts[part]
        for row in rows.tolist():
            path = folder / name / ("" if name == "blind" else names[int(y[row])]) / f"{row}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(x[row]).save(path)
    source = open_source(f"file:{data_folder() / WEIGHTS}", network="torchvision/mobilenet_v2")
    network = source.build(pretrained=True, seed=0)
    network.preprocess = replace(network.preprocess, size=SIDE, crop_pct=1.0)  # type: ignore[type-var]
    return folder / "known", folder / "blind", folder / "test", network


def reviews(labels: int, seed: int, folder: Path) -> tuple[Any, Any, Any, Network]:
    from benchmarks.domains.pairs import amazon_text

    domains = {pair.name.partition("->")[0]: (pair.source_x, pair.source_y) for pair in amazon_text()}
    x, y = (np.concatenate(part) for part in zip(*domains.values(), strict=True))
    order = np.random.default_rng(0).permutation(len(y))
    test, rest = order[:TESTED], order[TESTED:]
    known, blind = drawn(y[rest], labels, seed)
    columns = [f"c{number:03d}" for number in range(x.shape[1])]

    def table(rows: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(x[rows], columns=columns).assign(label=np.where(y[rows] == 1, "good", "bad"))

    frame = table(rest[blind]).drop(columns="label")
    opened = open_blind(frame)
    statistics = TablePreprocess.fit(opened.raw(np.arange(len(opened))), opened.columns)
    return table(rest[known]), frame, table(test), build_columns(columns_spec(statistics))


def drawn(y: np.ndarray, labels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows with labels, as many of each class, and others without."""
    order = np.random.default_rng([seed, labels]).permutation(len(y))
    classes = np.unique(y)
    known = np.concatenate([order[y[order] == one][: labels // len(classes)] for one in classes])
    return known, order[~np.isin(order, known)][:UNLABELLED]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", choices=tuple(LABELS))
    parser.add_argument("--labels", type=int)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for labels in LABELS[args.data] if args.labels is None else (args.labels,):
        cell = {"what": "half", "data": args.data, "labels": labels, "seed": args.seed}
        if not any(cell.items() <= one.items() for one in store.read("few_half")):
            measure(cell)


def measure(cell: dict[str, Any]) -> None:
    before = time.process_time()
    make = {"cifar10": cifar10, "reviews": reviews}[cell["data"]]
    with tempfile.TemporaryDirectory() as name:
        known, blind, test, network = make(cell["labels"], cell["seed"], Path(name))
        save_network(network, None, Path(name) / "source")
        run = hs.fit(
            known, source=str(Path(name) / "source"), test=test, unlabelled=blind, seed=cell["seed"], budget="8m",
            arms=[*ALONE, *HALF], depth="none", out=Path(name) / "run", quiet=True, device="cpu",
        )  # fmt: skip
        assert run is not None
    told = run.result["half_labelled"]
    arms = {arm: value["test"]["accuracy"] for arm, value in run.arms.items()}
    kept, found = run.result["guard"]["kept"], told["comparison"]
    record = cell | {"unlabelled": told["n"], "n": TESTED, "arms": arms, "kept": kept, "comparison": found}
    record |= {"harmed": kept == found["arm"] and found["kind"] == "negative"}
    record["cpu"] = round(time.process_time() - before, 1)
    store.append("few_half", record | machine.describe("torch", "headstart"))
    print(record, flush=True)


if __name__ == "__main__":
    main()
