"""LAME: its fixed point by slow loops, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from headstart.deep.at_test_time import adapted
from headstart.deep.test_time import lame
from headstart.deep.test_time.lame import LAME
from headstart.networks.network import Network
from headstart.networks.unset_preprocess import UnsetPreprocess


def dense(features, k):
    """Return the affinity [n, n] by slow loops."""
    n, w = len(features), np.zeros((len(features), len(features)))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    for i in range(n):
        order = sorted((j for j in range(n) if j != i), key=lambda j: -unit[i] @ unit[j])
        w[i, order[:k]] = 1
    return (w + w.T) / 2


def objective(z, p, w, strength):
    return (z * np.log(np.maximum(z, 1e-300) / p)).sum() - strength / 2 * (w * (z @ z.T)).sum()


def test_its_answers_are_a_fixed_point_of_smaller_objective(monkeypatch):
    monkeypatch.setattr(lame, "BLOCK", 7)
    rng = np.random.default_rng(0)
    features, outputs = rng.normal(size=(30, 4)), rng.normal(size=(30, 3))
    w, p = dense(features, 4), np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    found = LAME(neighbours=4, strength=0.7).refined(torch.tensor(outputs), torch.tensor(features)).exp().numpy()
    again = p * np.exp(0.7 * w @ found)
    assert np.abs(again / again.sum(axis=1, keepdims=True) - found).max() < 1e-3
    assert objective(found, p, w, 0.7) < objective(p, p, w, 0.7) - 0.1
    kept = LAME(strength=0.0).refined(torch.tensor(outputs), torch.tensor(features)).exp().numpy()
    assert np.allclose(kept, p)


def test_a_row_that_its_neighbours_contradict_answers_as_they_do():
    features = torch.tensor([[1.0, 0.1 * i] for i in range(6)] + [[-1.0, 0.1 * i] for i in range(6)])
    outputs = torch.tensor([[2.0, 0.0]] * 5 + [[0.0, 0.3]] + [[0.0, 2.0]] * 6)  # the sixth alone errs, and is unsure
    assert LAME().refined(outputs, features).argmax(1).tolist() == [0] * 6 + [1] * 6


def test_rows_of_all_batches_speak_and_no_weight_moves():
    torch.manual_seed(0)
    network = Network({"one": nn.Linear(4, 8)}, nn.Identity(), 8, UnsetPreprocess("table"), {}).eval()
    network.head, rows = nn.Linear(8, 3), torch.randn(40, 4)
    moved, outputs = adapted(LAME(), network, rows.split([16, 24]))
    with torch.no_grad():
        whole = LAME().refined(network(rows), network.features(rows))
    assert torch.allclose(torch.cat(outputs), whole, atol=1e-5)
    assert [len(part) for part in outputs] == [16, 24]
    assert all(
        torch.equal(a, b) for a, b in zip(moved.state_dict().values(), network.state_dict().values(), strict=True)
    )
