"""docs/test-time.md: CIFAR-10 test pictures, distorted in five ways and three strengths, and streams of one class.

The network is the CIFAR ResNet-20 whose weights the data folder holds; its architecture is given here through the
public contract of networks, as a user would bring one. 500 pictures, 50 of each class, come in one drawn order and in
batches of 100; of one class, all 100 in three orders and in batches of 50.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.pages.cells import Cell, Record, data_folder, gain, markdown
from headstart import catalogue
from headstart.deep.at_test_time import adapted
from headstart.networks.network import Network
from headstart.networks.unset_preprocess import UnsetPreprocess

METHODS = ("source", "adabn", "tent", "sar")
KINDS = ("noise", "blur", "contrast", "brightness", "coarse")
STRENGTHS = (1, 2, 3)
BATCH = 100
ONE = (0, 3, 8)
"""Classes of the streams of one class, undistorted: aeroplane, cat, ship."""


class Block(nn.Module):
    """Two convolutions and a shortcut that drops points and pads channels (option A of He et al., CVPR 2016)."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.stride, self.more = n_out // n_in, n_out - n_in
        self.conv1 = nn.Conv2d(n_in, n_out, 3, self.stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.more // 2, self.more // 2))
        return (x + y).relu()


class Stem(nn.Module):
    """The first convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn1(self.conv1(x)).relu()


@cache
def resnet20() -> Network:
    """Return the published network: 91.73% on the whole of the test pictures."""
    stages: dict[str, nn.Module] = {"stem": Stem()}
    for number, (n_in, n_out) in enumerate(((16, 16), (16, 32), (32, 64)), 1):
        stages[f"layer{number}"] = nn.Sequential(Block(n_in, n_out), Block(n_out, n_out), Block(n_out, n_out))
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = Network(stages, pool, 64, UnsetPreprocess("image"), {"family": "cifar_resnet20"})
    network.head = nn.Linear(64, 10)
    weights = load_file(data_folder() / "weights/cifar10_resnet/resnet20.safetensors")
    network.load_state_dict({renamed(name): value for name, value in weights.items()}, strict=False)
    return network.eval()


def renamed(name: str) -> str:
    """Return where a tensor of the published file stands in the network."""
    if name.startswith("linear."):
        return name.replace("linear.", "head.")
    return f"stages.{name}" if name.startswith("layer") else f"stages.stem.{name}"


@cache
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Return pictures [1000, 32, 32, 3] between 0 and 1, and classes."""
    with np.load(data_folder() / "cifar10/cifar10_small.npz", allow_pickle=False) as file:
        return file["x_test"].astype(np.float32) / 255, file["y_test"]


def distorted(x: np.ndarray, kind: str, strength: int) -> np.ndarray:
    """Return pictures that were taken worse."""
    mean = x.mean(axis=(1, 2), keepdims=True)
    if kind == "noise":
        x = x + 0.04 * strength * np.random.default_rng(strength).normal(size=x.shape)
    elif kind == "blur":
        width = 0.3 + 0.3 * strength
        x = gaussian_filter(x, (0, width, width, 0))
    elif kind == "contrast":
        x = mean + (x - mean) * (0.5, 0.3, 0.15)[strength - 1]
    elif kind == "brightness":
        x = x + 0.15 * strength
    elif kind == "coarse":
        size = 2 if strength < 3 else 4
        small = x.reshape(len(x), 32 // size, size, 32 // size, size, 3).mean(axis=(2, 4))
        large = small.repeat(size, axis=1).repeat(size, axis=2)
        x = (x + large) / 2 if strength == 1 else large
    return (255 * x.clip(0, 1)).round() / 255


def states(x: np.ndarray) -> Tensor:
    """Return what the network takes: channels first, in the units that it was trained in."""
    mean, spread = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return torch.from_numpy(((x - mean) / spread).astype(np.float32)).permute(0, 3, 1, 2)


def errors(method: str, kind: str, strength: int, only: int | None = None) -> Record:
    """Return the share of wrong answers, in percent, in each order of the stream."""
    x, y = pictures()
    chosen = np.arange(len(y)) % 2 == 0 if only is None else y == only
    x, y = x[chosen], y[chosen]
    given, found = states(distorted(x, kind, strength)), []
    for seed in range(1 if only is None else 3):
        order = np.random.default_rng(seed).permutation(len(y))
        batches = list(given[order].split(BATCH if only is None else BATCH // 2))
        if method == "source":
            with torch.no_grad():
                outputs = [resnet20()(batch) for batch in batches]
        else:
            outputs = adapted(catalogue.create(method), resnet20(), batches)[1]
        found.append(100 * float((torch.cat(outputs).argmax(dim=1).numpy() != y[order]).mean()))
    return {"errors": found}


def cells() -> Iterator[Cell]:
    """Every method on the clean pictures, on each distortion, and on streams of one class."""
    for method in METHODS:
        yield Cell({"method": method, "kind": "none", "strength": 0}, partial(errors, method, "none", 0))
        for kind in KINDS:
            for strength in STRENGTHS:
                names: dict[str, Any] = {"method": method, "kind": kind, "strength": strength}
                yield Cell(names, partial(errors, method, kind, strength))
        for only in ONE:
            names = {"method": method, "kind": "none", "strength": 0, "only": only}
            yield Cell(names, partial(errors, method, "none", 0, only))


def tables(records: list[Record]) -> str:
    """Return the page's table: errors in percent, means over orders (and strengths, and classes)."""

    def mean(method: str, kinds: tuple[str, ...], *, one: bool = False) -> str:
        chosen = [r for r in records if r["method"] == method and r["kind"] in kinds and ("only" in r) == one]
        return f"{np.mean([r['errors'] for r in chosen]):.1f}"

    def changed(method: str) -> str:
        by = {name: [r["errors"][0] for r in records if r["method"] == name and r["strength"] and "only" not in r]
              for name in (method, "source")}  # fmt: skip
        return "" if method == "source" else gain(by[method], by["source"])

    head = ["error, %", "clean", *KINDS, "all distorted", "difference to the network as it is", "stream of one class"]
    lines = [
        [
            f"`{method}`" if method != "source" else "as it is",
            mean(method, ("none",)),
            *(mean(method, (kind,)) for kind in KINDS),
            mean(method, KINDS),
            changed(method),
            mean(method, ("none",), one=True),
        ]
        for method in METHODS
    ]
    return markdown(head, lines)
