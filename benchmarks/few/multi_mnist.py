"""Multi-MNIST, made by the recipe from MNIST: ``python -m benchmarks.few.multi_mnist [--seed N] [--rows N]``.

Two digits on 36 x 36 pixels, one shifted up and left and one down and right by 0 to 4, the brighter pixel of both where
they overlap (about a third of them by area); each is a task. Every weighting against each task alone, from one network:
the bundled LeNet of printed letters. Of MNIST's training pictures; a training that was stopped goes on.
``--methods equal,mmoe`` sets a body with experts beside the one that all weightings share.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import headstart as hs
from benchmarks import machine, store
from benchmarks.views import data_folder
from headstart.catalogue.multitask import MULTITASK

SIDE, DIGIT, MOST = 36, 28, 4
ROWS, EPOCHS = 2000, 6
BUILD = Path("build/few")
WEIGHTINGS = ",".join(entry.name for entry in MULTITASK if entry.name != "mmoe")
"""All that share the whole body."""


def overlaid(pictures: np.ndarray, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures [n, 36, 36] of two digits each, and which of ``pictures`` they are [n, 2]."""
    chosen = np.stack([rng.integers(len(pictures), size=n) for _ in range(2)], axis=1)
    canvas = np.zeros((n, SIDE, SIDE), np.uint8)
    shifts = rng.integers(0, MOST + 1, size=(n, 2, 2))
    far = SIDE - DIGIT
    for row, (pair, shift) in enumerate(zip(chosen, shifts, strict=True)):
        for place, (number, (down, right)) in enumerate(zip(pair, shift, strict=True)):
            top, left = (down, right) if place == 0 else (far - down, far - right)
            part = canvas[row, top : top + DIGIT, left : left + DIGIT]
            np.maximum(part, pictures[number], out=part)
    return canvas, chosen


def write(folder: Path, seed: int, rows: int) -> Path:
    """Write the pictures and a table of their paths and both labels."""
    with np.load(data_folder() / "mnist" / "mnist.npz") as file:
        names = {name.lower(): name for name in file.files}
        pictures, y = file[names["x_train"]].reshape(-1, DIGIT, DIGIT), file[names["y_train"]]
    made, chosen = overlaid(pictures, np.random.default_rng(seed), rows)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(made):
        Image.fromarray(picture).save(folder / "pictures" / f"{number:05d}.png")
    table = pd.DataFrame({"picture": [f"pictures/{number:05d}.png" for number in range(rows)]})
    for place, name in enumerate(("upper", "lower")):
        table[name] = [f"digit {int(y[number])}" for number in chosen[:, place]]
    table.to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--methods", default=WEIGHTINGS)
    args = parser.parse_args()
    about = {"data": "multi_mnist", "seed": args.seed, "rows": args.rows, "planned": args.epochs}
    about |= {"methods": args.methods}
    if any(about.items() <= one.items() for one in store.read("multi_mnist")):
        return
    folder = BUILD / f"multi-mnist-{args.rows}-{args.epochs}-{args.seed}"
    if args.methods != WEIGHTINGS:
        folder = folder.with_name(f"{folder.name}-{args.methods.replace(',', '-')}")
    out, before = folder / "run", time.process_time()
    if (out / "state/arguments.json").exists():
        run = hs.resume(out, quiet=True)
    else:
        run = hs.fit(
            write(folder, args.seed, args.rows), label=["upper", "lower"], image="picture", method=args.methods,
            source="headstart/glyphs", epochs=args.epochs, seed=args.seed, budget="3h", out=out, quiet=True, force=True,
        )  # fmt: skip
    assert run is not None
    found = run.result["multitask"]
    seconds = {arm: one["seconds"] for arm, one in run.arms.items()}
    record = about | {name: found[name] for name in ("best", "delta_m", "tasks", "affinity")} | {"seconds": seconds}
    record["cpu"] = round(time.process_time() - before, 1)
    store.append("multi_mnist", record | machine.describe("torch", "headstart"))
    for task, one in found["tasks"].items():
        print(task, "alone", round(one["alone"], 4), {arm: round(gain["gain"], 4) for arm, gain in one["arms"].items()})
    print("\n".join(found["lines"]), record["cpu"], flush=True)


if __name__ == "__main__":
    main()
