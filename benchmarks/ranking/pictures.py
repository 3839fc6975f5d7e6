"""The picture sets of the zoo, all as grey pictures of 32 x 32 from -1 to 1, and the small networks trained on them."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from headstart.networks import Network, build
from headstart.networks.glyphs import GridPool, glyphs_preprocess, glyphs_spec

SIZE = 32
Pictures = tuple[np.ndarray, np.ndarray]


def data() -> Path:
    return Path(os.environ["HEADSTART_DATA"])


def grey(images: np.ndarray) -> np.ndarray:
    """Return float32 [n, 1, 32, 32] of uint8 pictures [n, h, w] or [n, h, w, 3]."""
    made = [
        np.asarray(Image.fromarray(one).convert("L").resize((SIZE, SIZE), Image.Resampling.BILINEAR)) for one in images
    ]
    return (np.stack(made)[:, None] / 127.5 - 1).astype(np.float32)


def some(x: np.ndarray, y: np.ndarray, most: int, seed: int = 0) -> Pictures:
    """Return at most ``most`` rows, drawn by seed, classes numbered from 0."""
    rows = np.random.default_rng(seed).permutation(len(x))[:most]
    return grey(x[rows]), np.unique(np.asarray(y).ravel()[rows], return_inverse=True)[1]


def _archive(path: str, part: str, *keys: str) -> tuple[np.ndarray, ...]:
    held = np.load(data() / path)
    return tuple(held[f"{key}_{part}"] for key in keys)


def _mnist(most: int) -> Pictures:
    return some(*_archive("mnist/mnist.npz", "train", "x", "y"), most)


def _usps(most: int) -> Pictures:
    return some(*_archive("usps/usps.npz", "train", "x", "y"), most)


def _mnist_m(most: int) -> Pictures:
    held = np.load(data() / "mnist_m/mnist_m_test.npz")
    return some(held["x"], held["y"], most)


def _cifar10(most: int) -> Pictures:
    return some(*_archive("cifar10/cifar10_small.npz", "train", "x", "y"), most)


def _cifar100(most: int) -> Pictures:
    return some(*_archive("cifar100/cifar100_small.npz", "train", "x", "y"), most)


def _pneumonia(most: int) -> Pictures:
    held = np.load(data() / "medmnist/pneumoniamnist.npz")
    return some(held["train_images"], held["train_labels"], most)


def _omniglot(part: str, characters: int, most: int) -> Pictures:
    held = np.load(data() / "omniglot/omniglot_full.npz")
    y = held[f"{part}_y"]
    rows = np.flatnonzero(y < characters)
    pixels = np.unpackbits(held[f"{part}_bits"][rows], axis=1)[:, : 105 * 105].reshape(-1, 105, 105) * np.uint8(255)
    return some(pixels, y[rows], most)


def _tarred(path: str, wanted: Callable[[list[str]], str | None], most: int) -> Pictures:
    """Return pictures of an archive; ``wanted`` gives a path's class, or None."""
    found: list[tuple[np.ndarray, str]] = []
    with tarfile.open(data() / path) as archive:
        for member in archive.getmembers():
            label = wanted(member.name.split("/")) if member.isfile() else None
            if label is not None:
                image = Image.open(io.BytesIO(archive.extractfile(member).read())).convert("L").resize((SIZE, SIZE))  # type: ignore[union-attr]
                found.append((np.asarray(image), label))
    return some(np.stack([x for x, _ in found]), np.array([y for _, y in found]), most)


def _office(most: int) -> Pictures:
    return _tarred("office_caltech10/images_128.tar", lambda p: p[-2] if "amazon" in p else None, most)


def _faces(most: int) -> Pictures:
    return _tarred("faces_orl/orl_faces.tar.gz", lambda p: p[-2] if p[-1].endswith(".pgm") else None, most)


SETS: dict[str, Callable[[int], Pictures]] = {
    "mnist": _mnist,
    "usps": _usps,
    "mnist_m": _mnist_m,
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "pneumonia": _pneumonia,
    "omniglot": lambda most: _omniglot("background", 200, most),
    "omniglot_new": lambda most: _omniglot("evaluation", 30, most),
    "office": _office,
    "faces": _faces,
}


@cache
def pictures(name: str, most: int) -> Pictures:
    return SETS[name](most)


class _Block(nn.Sequential):
    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__(nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.GroupNorm(8, n_out), nn.ReLU())


def network(kind: str, seed: int) -> Network:
    """Return ``residual`` (the architecture of headstart/glyphs) or ``plain`` (four convolutions), random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if kind == "residual":
            return build(glyphs_spec()).eval()
        widths = (1, 24, 48, 64, 64)
        stages = {f"conv{i}": _Block(widths[i - 1], widths[i], 2 if i < 4 else 1) for i in range(1, 5)}
        return Network(stages, GridPool(2), 256, glyphs_preprocess(), {"family": "zoo", "kind": kind}).eval()
