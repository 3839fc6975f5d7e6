"""The network over rows of numbers that methods trained on two domains learn, and its answers without torch."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from headstart.networks.network import Network
from headstart.networks.parts import chain, named
from headstart.networks.unset_preprocess import UnsetPreprocess

Array = np.ndarray


def create_body(d: int, *, width: int, layers: int, dropout: float) -> Network:
    """Return a network of ``layers`` stages ``h -> dropout(relu(W h + b))``, ``d`` columns to ``width`` features.

    Without normalisation, so that a row's features do not depend on the batch that it travels in.
    """
    sizes = [d, *[width] * layers]
    blocks = [chain(nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout) if dropout else None) for a, b in pairwise(sizes)]
    spec = {"family": "rows", "d": d, "width": width, "layers": layers, "dropout": dropout}
    return Network(named("layer", blocks), nn.Identity(), width, UnsetPreprocess("table"), spec)


class Layers(NamedTuple):
    """The learned weights as arrays: ``weights[i]`` [out, in] and ``biases[i]`` [out]; the last are the head's."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    @classmethod
    def of(cls, network: Network) -> Layers:
        """Take the weights of a network that `create_body` made, with a linear head."""
        found = [module for module in network.modules() if isinstance(module, nn.Linear)]
        weights, biases = ([getattr(one, name).detach().numpy().astype(np.float64) for one in found]
                           for name in ("weight", "bias"))  # fmt: skip
        return cls(tuple(weights), tuple(biases))

    def features(self, rows: Array) -> Array:
        """Return what the head reads, [n, width]."""
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            rows = np.maximum(rows @ weight.T + bias, 0.0)
        return rows

    def outputs(self, rows: Array) -> Array:
        """Return the head's outputs [n, k]."""
        return self.features(rows) @ self.weights[-1].T + self.biases[-1]


class Units(NamedTuple):
    """Mean [d] and scale [d] by which rows are counted, of both domains together."""

    mean: Array
    scale: Array

    @classmethod
    def of(cls, rows: Array, *, each: bool) -> Units:
        """Return units of rows: each column's own deviation, or one for all that keeps their proportions.

        Columns that do not vary become 0.
        """
        mean, spread = rows.mean(axis=0), rows.std(axis=0)
        varies = spread > 1e-9 * np.maximum(1.0, np.abs(mean))
        common = float(np.sqrt(np.mean(spread[varies] ** 2))) if varies.any() else 1.0
        scale = np.where(varies, spread if each else common, np.inf)
        return cls(mean, scale)

    def of_rows(self, rows: Array) -> Array:
        return (rows - self.mean) / self.scale


def as_tensor(rows: Array) -> torch.Tensor:
    """Return rows as the network takes them."""
    return torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))
