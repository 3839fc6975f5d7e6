"""Omniglot by Vinyals' protocol with Conv-4: ``python -m benchmarks.few.omniglot protonet [--ways 60 --shots 1]``.

1,200 characters learn (172 of them serve to choose), 423 measure, each in four turns that count as classes of their
own; 20 drawings of each, 28 x 28 pixels. A training that was stopped goes on (``build/few``); it counts CPU seconds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import headstart as hs
from benchmarks import machine, store
from benchmarks.views import data_folder
from headstart import catalogue
from headstart.data import Dataset
from headstart.deep.inner import InnerLoop
from headstart.engine.progress import Progress
from headstart.networks import open_source
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.few_shot.field import TEST_SEED, VALIDATION_SEED
from headstart.workflow.few_shot.measuring import (
    CHOOSING,
    EPISODES,
    GRID,
    Setting,
    by_cosine,
    by_nearest,
    episodes,
    own_answer,
    shares,
    told,
)
from headstart.workflow.few_shot.plan import CLASSIFIER, NEAREST, FewShotPlan
from headstart.workflow.few_shot.training import samples_of, train_arm, trained_nets
from headstart.workflow.options import FitOptions

SIDE, DRAWINGS, TURNS = 28, 20, 4
LEARN, CHOOSE = 1200, 172
BUILD = Path("build/few")


def characters() -> tuple[np.ndarray, np.ndarray]:
    """Return all drawings [n, 28, 28] (strokes white, 0 to 255) and their character's number [n]."""
    with np.load(data_folder() / "omniglot" / "omniglot_full.npz") as file:
        parts = [(file[f"{part}_bits"], file[f"{part}_y"]) for part in ("background", "evaluation")]
    first = int(parts[0][1].max()) + 1
    pictures = [np.unpackbits(bits, axis=1)[:, : 105 * 105].reshape(-1, 105, 105) for bits, _ in parts]
    small = [np.asarray(Image.fromarray(255 * one).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
             for one in np.concatenate(pictures)]  # fmt: skip
    return np.stack(small), np.concatenate([parts[0][1], parts[1][1] + first])


def protocol(seed: int = 0) -> Dataset:
    """Return the classes, parted: none is in two parts, and the four turns of a character stay together."""
    pictures, numbers = characters()
    turned = np.concatenate([np.rot90(pictures, turn, axes=(1, 2)) for turn in range(TURNS)])
    names = np.array([f"{number:04d} turned {90 * turn}" for turn in range(TURNS) for number in numbers])
    data = hs.open({"x": np.ascontiguousarray(turned), "y": names})
    order = np.random.default_rng(seed).permutation(int(numbers.max()) + 1)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    of_row = place[np.tile(numbers, TURNS)]
    splits = {
        "train": np.flatnonzero(of_row < LEARN - CHOOSE),
        "validation": np.flatnonzero((of_row >= LEARN - CHOOSE) & (of_row < LEARN)),
        "test": np.flatnonzero(of_row >= LEARN),
    }
    return replace(data.with_splits(splits), given_splits=True)


def workbench(data: Dataset, source: str, seed: int) -> Workbench:
    options = FitOptions(source=source, seed=seed)
    return Workbench.create(data, open_source(source), options, start_processes("cpu"), Progress(quiet=True))


def measure(bench: Workbench, plan: FewShotPlan, arm: str, folder: Path, split: str, n: int, seed: int) -> list[Any]:
    """Return accuracies with intervals, by the arm's own answers, in the settings that it can answer."""
    rows = bench.dataset.splits[split]
    if arm == NEAREST:
        answer, fetch, moves = by_nearest, samples_of(bench, bench.network(pretrained=False, seed=0), rows), False
    else:
        method, nets = trained_nets(bench, plan, arm, folder)
        moves = hasattr(method, "ways")
        if arm != CLASSIFIER and method.moves:
            answer, fetch = own_answer(method, nets), samples_of(bench, nets.network, rows)
        else:
            import torch

            features = torch.as_tensor(bench.features(nets.network, rows))
            centre = torch.as_tensor(bench.features(nets.network, bench.dataset.splits["train"])).mean(dim=0)
            nets.network.entry = len(nets.network.stages)
            answer = by_cosine(centre) if arm == CLASSIFIER else own_answer(method, nets)
            fetch = lambda at, view: features[at]  # noqa: E731
    settings = [Setting(ways, shots, 15) for ways, shots in GRID if not moves or ways == plan.ways]
    return [told(shares(answer, episodes(fetch, bench.dataset, rows, one, seed), n), one) for one in settings]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("method")
    parser.add_argument("--ways", type=int, default=60)
    parser.add_argument("--shots", type=int, default=1)
    parser.add_argument("--queries", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--minutes", type=float, default=90, help="of the processor")
    parser.add_argument("--source", default="headstart/conv4")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sizes = (args.ways, args.shots, args.queries)
    record = {"data": "omniglot", "method": args.method, "seed": args.seed, "trained": list(sizes), "rate": args.rate}
    record |= {"source": args.source, "planned": args.steps}
    if any(record.items() <= one.items() for one in store.read("few_shot")):
        return
    bench = workbench(protocol(), args.source, args.seed)
    of_episodes = "protonet" if args.method in (CLASSIFIER, NEAREST) else args.method
    plan = FewShotPlan(of_episodes, *sizes, args.steps, args.rate, 64, (args.method,), ())
    folder = BUILD / f"{args.method}-{args.ways}w{args.shots}s-{args.steps}-{args.seed}"
    about: dict[str, Any] = {}
    if isinstance(found := catalogue.create(of_episodes), InnerLoop):
        record |= {"inner": {"steps": found.steps, "rate": found.rate}}
    if args.method != NEAREST:
        result = train_arm(bench, plan, args.method, folder, 60 * args.minutes, time.process_time)
        about = {"cpu": round(result["history"][-1]["seconds"], 1), "steps": result["steps"]}
    before = time.process_time()
    chosen_by = measure(bench, plan, args.method, folder, "validation", CHOOSING, VALIDATION_SEED)
    found = measure(bench, plan, args.method, folder, "test", EPISODES, TEST_SEED)
    about |= {"cpu_measuring": round(time.process_time() - before, 1)}
    store.append(
        "few_shot", record | about | {"validation": chosen_by, "test": found} | machine.describe("torch", "headstart")
    )
    for one in found:
        print(args.method, one["ways"], one["shots"], f"{one['accuracy']:.4f}", one["interval"], about, flush=True)


if __name__ == "__main__":
    main()
