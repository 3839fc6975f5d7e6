"""A generator of digits carried over to letters: ``python -m benchmarks.few.generating [--seed N]``.

DCGAN learns 6,000 digits of MNIST; then 100 letters (Omniglot's Latin alphabet, light on dark as the digits are) by its
generator from random weights and in the ways that `pretrain --method dcgan --source RUN` tries. Judged by KID on the
other letters, on features of a Conv-4 that was trained on MNIST's labels.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import headstart as hs
from benchmarks import machine, store
from benchmarks.few.without_labels import digits
from benchmarks.views import data_folder

DIGITS, LETTERS, EPOCHS = 6000, 100, 25
BUILD = Path("build/few")


def letters() -> list[np.ndarray]:
    """Return Omniglot's Latin letters as pictures [28, 28] of uint8, light ink, as large in their frame as digits."""
    with np.load(data_folder() / "omniglot" / "omniglot_full.npz") as file:
        chars = [str(name) for name in file["background_chars"]]
        latin = [number for number, name in enumerate(chars) if name.startswith("Latin")]
        bits = file["background_bits"][np.isin(file["background_y"], latin)]
    inks = np.unpackbits(bits, axis=1)[:, : 105 * 105].reshape(-1, 105, 105).astype(bool)
    return [framed(ink) for ink in inks]


def framed(ink: np.ndarray) -> np.ndarray:
    """Return a drawing's box, made square, in the middle 20 pixels of 28."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(cut.shape)
    square = np.zeros((side, side), np.uint8)
    top, left = (side - cut.shape[0]) // 2, (side - cut.shape[1]) // 2
    square[top : top + cut.shape[0], left : left + cut.shape[1]] = 255 * cut
    small = Image.fromarray(square).resize((20, 20), Image.Resampling.BOX)
    frame = np.zeros((28, 28), np.uint8)
    frame[4:24, 4:24] = np.clip(np.asarray(small, dtype=float) * 2, 0, 255)
    return frame


def write(folder: Path, pictures: list[np.ndarray]) -> Path:
    folder.mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number}.png")
    return folder


def main(seed: int) -> None:
    if any(one["seed"] == seed for one in store.read("few_generating")):
        return
    kept = BUILD
    kept.mkdir(parents=True, exist_ok=True)
    x, y = digits()["train"]
    if not (kept / "digits-gan" / "run.json").exists():
        hs.pretrain((x[:DIGITS], y[:DIGITS]), network="headstart/dcgan", method="dcgan", epochs=EPOCHS, budget="9m",
                    out=kept / "digits-gan", force=True)  # fmt: skip
    if not (kept / "digits-judge" / "run.json").exists():
        judge = kept / "digits-judge"
        hs.pretrain((x[:DIGITS], y[:DIGITS]), network="headstart/conv4", epochs=3, budget="3m", out=judge, force=True)
    with tempfile.TemporaryDirectory() as name:
        folder, every = Path(name), letters()
        order = np.random.default_rng(seed).permutation(len(every))
        few = write(folder / "few", [every[i] for i in order[:LETTERS]])
        rest = write(folder / "rest", [every[i] for i in order[LETTERS:]])
        began = time.process_time()
        run = hs.pretrain(
            few,
            method="dcgan",
            source=str(kept / "digits-gan"),
            judge=str(kept / "digits-judge"),
            test=rest,
            epochs=300,
            seed=seed,
            budget="8m",
            out=folder / "run",
            quiet=True,
        )
        told = {
            "seed": seed, "learned": LETTERS, "judging": len(order) - LETTERS, "kept": run.result["guard"]["kept"],
            "measured": run.result["without_labels"]["measured"], "lines": run.result["without_labels"]["lines"],
            "steps": {arm: one["steps"] for arm, one in run.arms.items()},
            "cpu": round(time.process_time() - began, 1),
        }  # fmt: skip
        print(told, flush=True)
        store.append("few_generating", told | machine.describe("torch", "headstart"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
