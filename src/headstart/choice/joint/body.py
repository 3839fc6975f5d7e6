"""The network over rows of numbers that methods trained on two domains learn, and its answers without torch."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from headstart.choice.heads import Grid
from headstart.functional.scale import column_deviations
from headstart.networks.network import Network
from headstart.networks.parts import chain, named
from headstart.networks.unset_preprocess import UnsetPreprocess
from headstart.shallow.adaptation import dense

Array = np.ndarray
CHANNELS, KERNEL, GROUPS = (16, 32), 5, 4
"""Of the convolutions over rows that are pictures, and how many groups their channels are normalised in."""


def create_body(d: int, *, width: int, layers: int, dropout: float) -> Network:
    """Return a network of ``layers`` stages ``h -> dropout(relu(W h + b))``, ``d`` columns to ``width`` features.

    Without normalisation, so that a row's features do not depend on the batch that it travels in.
    """
    sizes = [d, *[width] * layers]
    blocks = [chain(nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout) if dropout else None) for a, b in pairwise(sizes)]
    spec = {"family": "rows", "d": d, "width": width, "layers": layers, "dropout": dropout}
    return Network(named("layer", blocks), nn.Identity(), width, UnsetPreprocess("table"), spec)


def create_grid_body(grid: Grid, *, width: int, dropout: float) -> Network:
    """Return a network over rows that are pictures: two stages of convolutions, then ``width`` features.

    A convolution is ``max over 2 x 2 of relu(norm(W * x + b))`` with 5 x 5 kernels, as in LeNet (LeCun et al.,
    Proceedings of the IEEE 1998, section 2), of `CHANNELS`. Each of `GROUPS` of a picture's channels is brought to mean
    0 and variance 1 (Wu and He, "Group Normalization", ECCV 2018), which takes a picture's contrast out; nothing
    is normalised by batches, as in `create_body`.
    """
    channels, *size = grid
    blocks = []
    for number, more in enumerate(CHANNELS):
        convolved = nn.Conv2d(channels, more, KERNEL, padding=KERNEL // 2)
        first = nn.Unflatten(1, grid) if number == 0 else None
        normed = nn.GroupNorm(GROUPS, more, affine=False)
        blocks.append(chain(first, convolved, normed, nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)))
        channels, size = more, [-(-side // 2) for side in size]
    linear = nn.Linear(channels * size[0] * size[1], width)
    blocks.append(chain(nn.Flatten(), linear, nn.ReLU(), nn.Dropout(dropout) if dropout else None))
    spec = {"family": "grid", "grid": list(grid), "groups": GROUPS, "width": width, "dropout": dropout}
    network = Network(named("layer", blocks), nn.Identity(), width, UnsetPreprocess("table"), spec)
    return network.to(memory_format=torch.channels_last)  # pooling is vectorised there: two thirds of a step's time


class Layers(NamedTuple):
    """The learned weights as arrays: ``weights[i]`` [out, in] and ``biases[i]`` [out]; the last are the head's.

    Those of convolutions are [out, in, `KERNEL`, `KERNEL`], and ``groups`` of their channels are normalised; 0, as in
    models of earlier versions, for none.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    groups: int = 0

    @classmethod
    def of(cls, network: Network) -> Layers:
        """Take the weights of a network that `create_body` made, with a linear head."""
        found = [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
        weights, biases = ([getattr(one, name).detach().numpy().astype(np.float64, order="C") for one in found]
                           for name in ("weight", "bias"))  # fmt: skip
        normed = any(isinstance(module, nn.GroupNorm) for module in network.modules())
        return cls(tuple(weights), tuple(biases), GROUPS if normed else 0)

    def features(self, rows: Array) -> Array:
        """Return what the head reads, [n, width], of rows [n, d] or, where the first weights convolve, [n, c, h, w]."""
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            if weight.ndim == 4:
                rows = _convolved(rows, weight, bias, self.groups)
            else:
                rows = np.maximum(rows.reshape(len(rows), -1) @ weight.T + bias, 0.0)
        return rows

    def outputs(self, rows: Array) -> Array:
        """Return the head's outputs [n, k]."""
        return self.features(rows) @ self.weights[-1].T + self.biases[-1]


def _convolved(maps: Array, weight: Array, bias: Array, groups: int) -> Array:
    wanted = (len(bias), maps.shape[1], KERNEL, KERNEL) if maps.ndim == 4 and bias.ndim == 1 else None
    if weight.shape != wanted:
        raise ValueError(f"weights of shape {weight.shape} do not convolve rows of shape {maps.shape}")
    if type(groups) is not int or groups < 0 or (groups and len(bias) % groups):
        raise ValueError(f"{len(bias)} channels cannot be normalised in {groups} groups")
    pictures, kernel, shift = (torch.as_tensor(np.asarray(part, dtype=np.float64)) for part in (maps, weight, bias))
    found = nn.functional.conv2d(pictures, kernel, shift, padding=KERNEL // 2)
    found = nn.functional.group_norm(found, groups) if groups else found
    return nn.functional.max_pool2d(found.relu(), 2, ceil_mode=True).numpy()


class Units(NamedTuple):
    """Mean [d] and scale [d] by which rows are counted, of both domains together."""

    mean: Array
    scale: Array

    @classmethod
    def of(cls, rows: Any, *, each: bool) -> Units:
        """Return units of rows, dense or CSR: each column's own deviation, or one that keeps their proportions.

        Columns that do not vary become 0.
        """
        mean, spread = np.asarray(rows.mean(axis=0)).ravel(), column_deviations(rows)
        varies = spread > 1e-9 * np.maximum(1.0, np.abs(mean))
        common = float(np.sqrt(np.mean(spread[varies] ** 2))) if varies.any() else 1.0
        scale = np.where(varies, spread if each else common, np.inf)
        return cls(mean, scale)

    @classmethod
    def of_pictures(cls, rows: Array, grid: Grid) -> Units:
        """Return one mean and one deviation per channel, so that a convolution sees the same everywhere."""
        maps = rows.reshape(len(rows), grid[0], -1)
        mean, spread = maps.mean(axis=(0, 2)), maps.std(axis=(0, 2))
        scale = np.where(spread > 1e-9 * np.maximum(1.0, np.abs(mean)), spread, np.inf)
        return cls(*(np.repeat(part, maps.shape[2]) for part in (mean, scale)))

    def of_rows(self, rows: Any) -> Array:
        """Return dense rows of dense or CSR ones."""
        return (dense(rows) - self.mean) / self.scale

    def back(self, rows: Array) -> Array:
        """Return rows in the units they came in; a column that does not vary is its mean."""
        return rows * np.where(np.isfinite(self.scale), self.scale, 0.0) + self.mean


def as_tensor(rows: Array) -> torch.Tensor:
    """Return rows as the network takes them."""
    return torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))
