"""Spoken digits, written digits and number words, by contrast on unlabelled pairs of eight digits: ``python -m
benchmarks.few.spoken [--seed N]``.

Recordings of FSDD (numbers 0 to 4 of each speaker and digit measure) become log-mel pictures of 32 x 32; pairs join one
with a picture of MNIST, or either with the GloVe vector of its word. Digits 8 and 9 are in no pair. Measured on fresh
recordings and test pictures of all ten: whether the nearest of the other side is of the same digit, and which word a
recording or a picture is nearest to, among ten words and among the two that were left out.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy.io import wavfile
from scipy.signal import stft

import headstart as hs
from benchmarks import machine, store
from benchmarks.few.without_labels import digits
from benchmarks.views import data_folder
from headstart.functional.intervals import wilson

Array = np.ndarray
LEFT_OUT = (8, 9)
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PAIRS, ASKED, SIDE, MELS = 2000, 30, 32, 32
EPOCHS = 15


def log_mel(wave: Array, rate: int) -> Array:
    """Return a picture [32, 32] of uint8: mel bands from low to high, time squeezed to 32 columns."""
    _, _, spectrum = stft(wave.astype(np.float64), rate, nperseg=256, noverlap=192)
    mel = np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), MELS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.linspace(0, rate / 2, len(spectrum))
    up = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    bands = np.log(np.maximum(np.minimum(up, down), 0) @ np.abs(spectrum) ** 2 + 1e-3)
    low, high = np.quantile(bands, [0.02, 0.998])
    scaled = np.clip((bands - low) / (high - low + 1e-9), 0, 1) * 255
    return np.asarray(Image.fromarray(scaled[::-1].astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def recordings() -> tuple[list[Array], Array, Array]:
    """Return pictures of all recordings, their digits, and whether each measures."""
    pictures, spoken, measures = [], [], []
    with tarfile.open(data_folder() / "fsdd" / "fsdd.tar.gz") as archive:
        for member in sorted(archive.getnames()):
            if member.endswith(".wav"):
                rate, wave = wavfile.read(io.BytesIO(archive.extractfile(member).read()))  # type: ignore[union-attr]
                digit, _, number = Path(member).stem.split("_")
                pictures.append(log_mel(wave, rate))
                spoken.append(int(digit))
                measures.append(int(number) < 5)
    return pictures, np.array(spoken), np.array(measures)


def vectors() -> Array:
    with np.load(data_folder() / "weights" / "glove_twitter_25d_12k" / "glove_twitter_25d.npz") as file:
        place = {str(word): number for number, word in enumerate(file["words"])}
        return np.asarray(file["vectors"])[[place[word] for word in WORDS]]


def written(folder: Path, kind: str, pictures: list[Array]) -> list[str]:
    (folder / kind).mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / kind / f"{number}.png")
    return [f"{kind}/{number}.png" for number in range(len(pictures))]


def table(folder: Path, seed: int) -> dict[str, Any]:
    """Write pictures, and pairs of the eight digits; return what measures."""
    rng, data = np.random.default_rng(seed), digits()
    sounds, spoken, measures = recordings()
    seen = np.flatnonzero(~measures & ~np.isin(spoken, LEFT_OUT))
    drawn = rng.choice(seen, PAIRS)
    x, y = data["train"]
    pictures = [x[rng.choice(np.flatnonzero(y == spoken[row]))] for row in drawn]
    names = {"sound": written(folder, "sound", [sounds[row] for row in drawn])}
    names["picture"] = written(folder, "picture", pictures)
    words = pd.DataFrame(vectors()[spoken[drawn]], columns=[f"w{i}" for i in range(25)])
    pd.concat([pd.DataFrame(names), words], axis=1).to_csv(folder / "pairs.csv", index=False)
    x, y = data["test"]
    asked = np.concatenate([rng.choice(np.flatnonzero(y == digit), ASKED, replace=False) for digit in range(10)])
    told = np.concatenate([np.flatnonzero(measures & (spoken == digit)) for digit in range(10)])
    return {"sound": ([sounds[row] for row in told], spoken[told]), "picture": (list(x[asked]), y[asked])}


def share(right: Array) -> dict[str, Any]:
    low, high = wilson(float(right.mean()), len(right))
    return {
        "value": round(100 * float(right.mean()), 1),
        "interval": [round(100 * low, 1), round(100 * high, 1)],
        "n": len(right),
    }


def unit(x: Any) -> Array:
    x = np.asarray(x)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def measure(run: Any, left: str, right: str, fresh: dict[str, Any]) -> dict[str, Any]:
    """Return, for seen and left-out digits, whether the nearest of the other side is of the same digit."""
    first, second = run.model.networks

    def embedded(network: Any, kind: str) -> tuple[Array, Array]:
        import torch

        if kind == "word":
            rows = [{f"w{i}": value for i, value in enumerate(vector)} for vector in vectors()]
            raws, labels = rows, np.arange(10)
        else:
            raws, labels = fresh[kind]
        with torch.no_grad():
            return unit(network.features(network.preprocess(raws)).numpy()), np.asarray(labels)

    (a, a_digit), (b, b_digit) = embedded(first, left), embedded(second, right)
    found = {}
    for name, queries, asked, answers, said in (
        (f"{left} to {right}", a, a_digit, b, b_digit), (f"{right} to {left}", b, b_digit, a, a_digit),
    ):  # fmt: skip
        cosines = queries @ answers.T
        same = said[cosines.argmax(axis=1)] == asked
        new = np.isin(asked, LEFT_OUT)
        among = np.where(np.isin(said, LEFT_OUT), cosines, -np.inf).argmax(axis=1)
        found[name] = {
            "seen": share(same[~new]),
            "left_out": share(same[new]),
            "left_out_among_two": share(said[among][new] == asked[new]),
        }
    return found


def main(seed: int) -> None:
    done = store.read("few_spoken")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fresh = table(folder, seed)
        sides = {"sound": "sound", "picture": "picture", "word": ",".join(f"w{i}" for i in range(25))}
        nets = {"sound": "headstart/glyphs", "picture": "headstart/glyphs", "word": "headstart/tabular"}
        for left, right in (("sound", "picture"), ("picture", "word"), ("sound", "word")):
            if any((one["left"], one["right"], one["seed"]) == (left, right, seed) for one in done):
                continue
            began = time.process_time()
            run = hs.pretrain(
                folder / "pairs.csv", method="contrastive", left=sides[left], right=sides[right],
                network=f"{nets[left]},{nets[right]}", pretrained="left" if right == "word" else "both", epochs=EPOCHS,
                batch_size=64, seed=seed, budget="20m", out=folder / f"{left}-{right}", quiet=True,
            )  # fmt: skip
            told = {
                "left": left, "right": right, "seed": seed, "cpu": round(time.process_time() - began, 1),
                "epochs": EPOCHS, "pairs": PAIRS, "measured": measure(run, left, right, fresh),
            }  # fmt: skip
            print(told, flush=True)
            store.append("few_spoken", told | machine.describe("torch", "headstart"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
