"""The map of the features before and after training."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart.networks import build
from headstart.networks.glyphs import glyphs_spec
from headstart.report.feature_map import feature_map


class Pictures:
    def __init__(self, n: int = 40) -> None:
        self.x = np.random.default_rng(0).integers(0, 255, (n, 32, 32), dtype=np.uint8)

    def raw(self, rows: np.ndarray) -> list[Any]:
        return [self.x[row] for row in rows]

    def labels(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(rows) % 2

    def names(self, rows: np.ndarray) -> list[str]:
        return [str(Path("pictures") / str(row)) for row in rows]


def passes(change: bool, encode: Any = None) -> tuple[int, dict[str, Any]]:
    """Count the pictures that go through either network's first stage while the map is made."""
    torch.manual_seed(0)
    before = build(glyphs_spec())
    after = copy.deepcopy(before)
    after.head = torch.nn.Linear(after.n_features, 2)
    if change:
        with torch.no_grad():
            next(iter(after.stages.parameters())).add_(0.1)
    seen = [0]
    for network in (before, after):
        first = next(iter(network.stages.values()))
        first.register_forward_hook(lambda module, inputs, output: seen.__setitem__(0, seen[0] + len(output)))
    return seen[0], feature_map(before, after, Pictures(), np.arange(40), 0, encode) | {"seen": seen}


def test_frozen_stages_are_encoded_once():
    _, found = passes(change=False)
    assert found["seen"] == [40]
    assert found["points"]["before"] == found["points"]["after"]


def test_stages_that_learned_are_encoded_for_both():
    _, found = passes(change=True)
    assert found["seen"] == [80]
    assert found["points"]["before"] != found["points"]["after"]


def test_features_that_are_at_hand_are_not_computed_again():
    _, found = passes(change=False, encode=lambda network, rows: np.random.default_rng(1).normal(size=(len(rows), 8)))
    assert found["seen"] == [0]
