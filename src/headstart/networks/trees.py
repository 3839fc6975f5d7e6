"""A head of boosted trees, as tensors: saved without pickle, evaluated all trees at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

TENSORS = ("feature", "threshold", "left", "right", "value", "spread", "bias")


class TreesHead(nn.Module):
    """``f(x) = b + S' (sum of the leaf values of each group of trees)``.

    Every tree asks ``x[feature] <= threshold`` from its root down, ``depth`` times; a leaf leads to itself. Trees lie
    round by round, in each one tree per group.

    Parameters
    ----------
    feature, left, right : int64 [trees, nodes]. threshold, value : float32 [trees, nodes].
    spread : [groups, k], what a group's sum adds to each output. bias : [k].
    depth : questions on the longest way down.
    """

    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    spread: Tensor
    bias: Tensor

    def __init__(self, arrays: dict[str, np.ndarray], depth: int, n_in: int) -> None:
        super().__init__()
        for name in TENSORS:
            self.register_buffer(name, torch.as_tensor(arrays[name]))
        self.depth, self.n_in = depth, n_in

    def forward(self, features: Tensor) -> Tensor:
        """Return outputs [n, k] for features [n, d]."""
        # Sizes come from tensors, never from Python numbers, so that an exported graph takes any number of rows.
        node = torch.zeros_like(features[:, :1], dtype=torch.int64).repeat(1, len(self.feature))
        for _ in range(self.depth):
            asked = features.float().gather(1, self._at(self.feature, node))
            node = torch.where(
                asked <= self._at(self.threshold, node), self._at(self.left, node), self._at(self.right, node)
            )
        sums = self._at(self.value, node).unflatten(1, (-1, len(self.spread))).sum(dim=1)
        return sums @ self.spread + self.bias

    def _at(self, table: Tensor, node: Tensor) -> Tensor:
        """Return ``table[tree, node[i, tree]]`` [n, trees], by one flat index, which every exporter knows."""
        trees, nodes = table.shape
        return table.flatten()[node + nodes * torch.arange(trees, device=node.device)]


def trees_to_json(head: TreesHead) -> dict[str, Any]:
    """Return the sizes from which `trees_from_json` makes the same head, without its numbers."""
    trees, nodes = head.feature.shape
    groups, n_out = head.spread.shape
    sizes = {"trees": trees, "nodes": nodes, "groups": groups, "n_out": n_out}
    return {"kind": "trees", **sizes, "n_in": head.n_in, "depth": head.depth}


def trees_from_json(value: dict[str, Any]) -> TreesHead:
    """Return a head whose numbers are still to be loaded."""
    shape = (value["trees"], value["nodes"])
    whole = dict.fromkeys(("feature", "left", "right"), np.zeros(shape, np.int64))
    arrays = whole | dict.fromkeys(("threshold", "value"), np.zeros(shape, np.float32))
    arrays |= {"spread": np.zeros((value["groups"], value["n_out"]), np.float32)}
    arrays |= {"bias": np.zeros(value["n_out"], np.float32)}
    return TreesHead({name: array.copy() for name, array in arrays.items()}, value["depth"], value["n_in"])
