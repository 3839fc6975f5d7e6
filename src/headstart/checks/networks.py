"""Laws of networks."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from headstart.networks import Network, load_network, save_network


def check_network(network: Network, raw_batch: list[Any]) -> None:
    """Run every law of the contract on ``network`` with raw samples (at least two); see `Network`.

    An AssertionError tells the broken law.
    """
    x = network.preprocess(raw_batch)
    network.eval()
    with torch.no_grad():
        check_cuts(network, x)
        check_features(network, x, len(raw_batch))
    check_freezing(network, x)
    check_kept(network, raw_batch)


def check_cuts(network: Network, x: Any) -> None:
    """A cut at every stage, then the rest from the cut, equals the whole bit for bit."""
    whole = network.features(x)
    assert torch.equal(network(x), network.head(whole)), "forward is not head(features(x))."
    count = len(network.stages)
    for cut in range(count + 1):
        rest = network.run(network.run(x, 0, cut), cut) if cut else network.run(x)
        assert torch.equal(rest, whole), f"Cut after stage {cut}, the network gives other features."
    state = x
    for cut in range(count):
        state = network.run(state, cut, cut + 1)
    assert torch.equal(state, whole), "The stages one by one give other features."


def check_features(network: Network, x: Any, n: int) -> None:
    """Features are [n, n_features]; every stage has parameters and a map; the pooling has none."""
    assert network.features(x).shape == (n, network.n_features), "features are not [n, n_features]."
    assert not list(network.pool.parameters()), "The pooling has parameters."
    for name, stage in network.stages.items():
        assert list(stage.parameters()), f"The stage {name} has no parameters."
    maps = network.feature_maps(x, network.stage_names)
    assert list(maps) == network.stage_names, "feature_maps leaves stages out."
    assert all(len(value) == n for value in maps.values()), "A feature map is not one per sample."


def check_freezing(network: Network, x: Any) -> None:
    """Frozen stages stay in evaluation mode and without gradient, move nothing, and can be released again."""
    count = len(network.stages)
    for frozen in (1, count):
        network.freeze(frozen).train()
        before = {name: tensor.clone() for name, tensor in network.frozen_tensors().items()}
        for index, stage in enumerate(network.stages.values()):
            held = not any(m.training for m in stage.modules()) and not any(p.requires_grad for p in stage.parameters())
            assert held == (index < frozen), f"Stage {index} of {count} is wrong with {frozen} frozen."
        network.features(x)
        moved = [name for name, tensor in network.frozen_tensors().items() if not torch.equal(tensor, before[name])]
        assert not moved, f"Frozen tensors moved in a forward pass: {moved}."
    network.freeze(0)
    assert all(p.requires_grad for p in network.stages.parameters()), "Released stages ask for no gradient."
    network.eval()


def check_kept(network: Network, raw_batch: list[Any]) -> None:
    """Saved and loaded, preprocessing and network give the same outputs bit for bit."""
    head = network.head if isinstance(network.head, nn.Identity | nn.Linear) else nn.Identity()
    network.head, kept = head, network.head
    with TemporaryDirectory() as folder, torch.no_grad():
        save_network(network, None, folder)
        twin, _ = load_network(folder)
        twin.eval()
        assert twin.preprocess.to_json() == network.preprocess.to_json(), "The preprocessing changed when saved."
        same = torch.equal(twin(twin.preprocess(raw_batch)), network(network.preprocess(raw_batch)))
        assert same, "The saved network gives other outputs."
    network.head = kept
