"""Do augmented views pay? The same rows learned with one view (the plain one) and with several, on small picture sets.

``python -m benchmarks.views`` needs HEADSTART_DATA (MobileNetV2's weights and the sets); ``--sets``, ``--shots`` and
``--seconds`` make it smaller. One line per fit goes to ``benchmarks/results/views``; ``--table`` prints a table.
Sets of ``DEVELOPED`` chose the default, those of ``REPORTED`` were looked at afterwards.
"""

from __future__ import annotations

import argparse
import io
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import store
from headstart.data import check, open_data
from headstart.engine.progress import Progress
from headstart.networks import open_source
from headstart.workflow.arms.one_fit import Job, fit_once
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.opening.target import draw_shots
from headstart.workflow.options import FitOptions
from headstart.workflow.planning.costs import Speed
from headstart.workflow.planning.facts import facts_of
from headstart.workflow.planning.plan import Plan, make_plan

WEIGHTS = "weights/imagenet_mobilenet_v2/mobilenet_v2_torchvision_bn.safetensors"
VIEWS = (1, 4)
OFFICE_CLASSES = ("backpack", "bike", "headphones", "laptop", "mug")
Pictures = list[tuple[str, Image.Image]]
"""Class and picture."""


def data_folder() -> Path:
    return Path(os.environ["HEADSTART_DATA"])


def from_archive(name: str, classes: int, train: int, test: int) -> tuple[Pictures, Pictures]:
    """Take ``train`` and ``test`` pictures of each of the first classes of a small CIFAR file."""
    with np.load(data_folder() / name) as file:
        x = np.concatenate([file["x_train"], file["x_test"]])
        y = np.concatenate([file["y_train"], file["y_test"]])
        names = file["classes"]
    parts: tuple[Pictures, Pictures] = ([], [])
    for number in range(classes):
        rows = np.random.default_rng(number).permutation(np.flatnonzero(y == number))[: train + test]
        for place, row in enumerate(rows):
            parts[place >= train].append((str(names[number]), Image.fromarray(x[row])))
    return parts


def from_tar(name: str, keep: Callable[[str], bool], share: float) -> tuple[Pictures, Pictures]:
    """Take the pictures of a tar whose names are to be kept; the last ``share`` of each class, at random, tests."""
    found: dict[str, list[Image.Image]] = {}
    with tarfile.open(data_folder() / name) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            if member.isfile() and keep(member.name):
                picture = Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB")  # type: ignore[union-attr]
                found.setdefault(Path(member.name).parent.name, []).append(picture)
    parts: tuple[Pictures, Pictures] = ([], [])
    for number, (label, pictures) in enumerate(sorted(found.items())):
        order = np.random.default_rng(number).permutation(len(pictures))
        for place, at in enumerate(order):
            parts[place >= round((1 - share) * len(order))].append((label, pictures[at]))
    return parts


def pneumonia() -> tuple[Pictures, Pictures]:
    """Take 100 X-rays a class to learn from and 100 to test on."""
    with np.load(data_folder() / "medmnist/pneumoniamnist.npz") as file:
        parts = []
        for images, labels in (("train_images", "train_labels"), ("test_images", "test_labels")):
            y = file[labels].ravel()
            rows = [np.random.default_rng(7).permutation(np.flatnonzero(y == k))[:100] for k in (0, 1)]
            parts.append([(f"class{y[row]}", Image.fromarray(file[images][row])) for row in np.concatenate(rows)])
    return parts[0], parts[1]


def office(name: str, domain: str) -> bool:
    """Whether a file of the office set is of a domain and of the five classes."""
    return Path(name).parts[1:2] == (domain,) and Path(name).parts[2] in OFFICE_CLASSES and name.endswith(".jpg")


OFFICE = "office_caltech10/images_128.tar"
SETS: dict[str, Callable[[], tuple[Pictures, Pictures]]] = {
    "cifar10": lambda: from_archive("cifar10/cifar10_small.npz", 5, 100, 40),
    "cifar100": lambda: from_archive("cifar100/cifar100_small.npz", 5, 30, 40),
    "pneumonia": pneumonia,
    "hymenoptera": lambda: from_tar("hymenoptera/hymenoptera_256.tar", lambda name: name.endswith(".jpg"), 0.45),
    "office amazon": lambda: from_tar(OFFICE, lambda name: office(name, "amazon"), 0.4),
    "office caltech10": lambda: from_tar(OFFICE, lambda name: office(name, "caltech10"), 0.4),
    "office both": lambda: from_tar(OFFICE, lambda name: office(name, "amazon") or office(name, "caltech10"), 0.4),
}
DEVELOPED = ("cifar10", "cifar100", "pneumonia")
REPORTED = tuple(name for name in SETS if name not in DEVELOPED)


def bench_of(name: str, folder: Path, device: str | None) -> Workbench:
    """Write the set as pictures and open it as a fit would."""
    for part, pictures in zip(("train", "test"), SETS[name](), strict=True):
        for number, (label, picture) in enumerate(pictures):
            path = folder / part / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path)
    options = FitOptions(
        source=f"file:{data_folder() / WEIGHTS}", network="torchvision/mobilenet_v2", device=device, precision="no"
    )
    dataset, _ = check(open_data(str(folder)))
    merged = np.sort(np.concatenate([dataset.splits["train"], dataset.splits["validation"]]))
    dataset = dataset.with_splits({"train": merged, "test": dataset.splits["test"]})
    found = open_source(str(options.source), network=options.network)
    return Workbench.create(dataset, found, options, start_processes(device), Progress(quiet=True))


def plan_of(bench: Workbench, arm: str, shots: int) -> Plan:
    """Return the plan of a fit with so many labels per class: its depth, its steps, its rates."""
    network = bench.network(pretrained=True, seed=0)
    facts = facts_of(bench.dataset, network, Speed(0.0, 1e-6), shots=shots, flops=600e6)
    return make_plan(facts, replace(bench.options, method=arm, arms=(arm,)))


def compare(
    name: str, arm: str, shots: int, seeds: int, device: str | None, deadline: float
) -> Iterator[dict[str, Any]]:
    """Learn the same rows with every number of views; yield one record per fit."""
    with tempfile.TemporaryDirectory() as folder:
        bench = bench_of(name, Path(folder) / "pictures", device)
        test = bench.dataset.splits["test"]
        labels = bench.dataset.labels(test)
        most = np.bincount(bench.dataset.labels(bench.dataset.splits["train"])).min()
        if most < shots:
            return
        plan = plan_of(bench, arm, shots)
        for seed in range(seeds):
            rows = draw_shots(bench.dataset, shots, seed)
            for views in VIEWS:
                if time.monotonic() > deadline:
                    return
                start = time.process_time()
                job = Job(arm, seed, rows, rows[:0], Path(folder) / f"{seed}-{views}")
                fitted = fit_once(bench, replace(plan, views=views), job)
                right = bench.predict(fitted.network, test, cut=fitted.cut).argmax(axis=1) == labels
                record = {"set": name, "arm": arm, "shots": shots, "seed": seed, "views": views, "steps": fitted.steps}
                yield record | {"right": int(right.sum()), "n": len(test), "cpu": time.process_time() - start}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--arms", default="probe,lp_ft")
    parser.add_argument("--shots", default="5,20,100")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default=None)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--out", type=Path, default=store.RESULTS, help="folder of the results")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.table:
        print("\n".join(table(store.read("views", asked.out))))
        return
    deadline = time.monotonic() + asked.seconds
    for name in asked.sets.split(","):
        for arm in asked.arms.split(","):
            for shots in map(int, asked.shots.split(",")):
                for record in compare(name, arm, shots, asked.seeds, asked.device, deadline):
                    store.append("views", record, asked.out)
    store.pack_all(asked.out)


def table(records: list[dict[str, Any]]) -> list[str]:
    """Return the gain in points of several views over one, per set, arm and number of labels, as lines of Markdown.

    The interval is that of the mean over seeds: paired differences, bootstrapped.
    """
    heads = [f"{views} views | gain" for views in VIEWS[1:]]
    lines = [f"| set | arm | labels per class | seeds | 1 view | {' | '.join(heads)} |"]
    lines.append("|---|---|---:|---:|---:|" + "---:|---:|" * len(heads))
    cells = sorted({(r["set"], r["arm"], r["shots"]) for r in records}, key=lambda c: (list(SETS).index(c[0]), *c[1:]))
    for cell in cells:
        mine = {(r["seed"], r["views"]): 100 * r["right"] / r["n"] for r in records if _cell(r) == cell}
        seeds = sorted({seed for seed, _ in mine if all((seed, views) in mine for views in VIEWS)})
        if len(seeds) < 2:
            continue
        values = {views: np.array([mine[seed, views] for seed in seeds]) for views in VIEWS}
        words = [f"{values[1].mean():.1f}"]
        for views in VIEWS[1:]:
            words += [f"{values[views].mean():.1f}", said(values[views] - values[1])]
        lines.append("| " + " | ".join([cell[0], cell[1], str(cell[2]), str(len(seeds)), *words]) + " |")
    return lines


def _cell(record: dict[str, Any]) -> tuple[str, str, int]:
    return record["set"], record["arm"], record["shots"]


def said(differences: np.ndarray) -> str:
    """Return a mean difference with its 95% bootstrap interval."""
    drawn = np.random.default_rng(0).choice(differences, (4000, len(differences))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{differences.mean():+.1f} ({low:.1f} to {high:.1f})"


if __name__ == "__main__":
    main()
