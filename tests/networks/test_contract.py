"""The contract of every network, over a small model of every family."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from small_networks import CASES, Case, text_case
from torch import Tensor, nn

from headstart.networks import State, build


def same(a: State, b: State) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
    return isinstance(a, Tensor) and isinstance(b, Tensor) and torch.equal(a, b)


@torch.no_grad()
def test_the_stages_in_order_equal_the_librarys_forward_bit_for_bit(case: Case) -> None:
    network, x = case.network, case.x
    if case.of_last_stage:
        last = network.stage_names[-1]
        assert torch.equal(network.feature_maps(x, [last])[last], case.reference)
    elif "tabular" in network.spec["family"]:
        torch.testing.assert_close(network.features(x), case.reference)
    else:
        assert torch.equal(network.features(x), case.reference)
    assert network.features(x).shape == (len(case.reference), network.n_features)


@torch.no_grad()
def test_a_cut_at_every_stage_then_the_rest_equals_the_whole(case: Case) -> None:
    network, x = case.network, case.x
    whole = network.features(x)
    state = x
    last = len(network.stages)
    tried = range(last + 1) if last < 9 else (0, 1, last // 2, last - 1, last)
    for before, cut in zip((0, *tried), tried, strict=False):
        state = network.run(state, before, cut)
        kept = copy.deepcopy(state)
        assert torch.equal(network.run(state, cut), whole)
        assert same(state, kept), "a stage must not change the state it is given, for that may be a cache's"
        network.entry = cut
        assert torch.equal(network(kept), whole)
        network.entry = 0


def test_every_stage_has_parameters_and_the_pooling_has_none(case: Case) -> None:
    for name, stage in case.network.stages.items():
        assert next(stage.parameters(), None) is not None, name
    assert next(case.network.pool.parameters(), None) is None


@torch.no_grad()
def test_feature_maps_are_pictures_or_tokens_of_every_sample(case: Case) -> None:
    network, n = case.network, len(case.reference)
    maps = network.feature_maps(case.x, network.stage_names)
    assert list(maps) == network.stage_names
    for tensor in maps.values():
        assert len(tensor) == n
        assert tensor.ndim in ((2,) if network.spec["family"] == "tabular" else (3, 4))
    width = tensor.shape[1 if tensor.ndim == 4 else -1]
    assert network.n_features == width * (4 if network.spec["family"] == "glyphs" else 1)


def test_build_and_the_weights_give_the_same_outputs(case: Case) -> None:
    spec = case.network.spec
    if spec["family"] == "torchvision" and spec["name"] in ("vgg11", "convnext_tiny", "vit_b_32"):
        pytest.skip("the case is smaller than any architecture that has a name")
    torch.manual_seed(1)
    other = build(spec)
    assert not other.training
    state = other.state_dict()
    torch.manual_seed(1)
    again = build(spec).state_dict()
    assert all(torch.equal(state[name], again[name]) for name in state), "random weights follow torch's seed"
    other.load_state_dict(case.network.state_dict())
    with torch.no_grad():
        assert torch.equal(other(case.x), case.network(case.x))


def buffers(stage: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in stage.named_buffers()}


@pytest.mark.parametrize("how", ["network", "stage", "module"])
def test_frozen_stages_stay_in_evaluation_mode_and_do_not_move(case: Case, how: str) -> None:
    network = case.network
    count = len(network.stages) // 2 + 1
    network.freeze(count)
    if how == "network":
        network.train()
    else:
        for stage in network.stages.values():
            for module in [stage] if how == "stage" else stage.modules():
                module.train()
    for index, stage in enumerate(network.stages.values()):
        modes = {module.training for module in stage.modules()}
        assert modes == ({False} if index < count else {True})
        assert {p.requires_grad for p in stage.parameters()} == {index >= count}
    before = {name: tensor.clone() for name, tensor in network.frozen_tensors().items()}
    output = network.features(case.x)
    assert output.requires_grad == (count < len(network.stages))
    if output.requires_grad:
        output.sum().backward()
        network.zero_grad()
    after = network.frozen_tensors()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_released_stages_train_again(case: Case) -> None:
    network = case.network
    network.freeze(len(network.stages)).freeze(0).train()
    assert all(module.training for module in network.modules())
    assert all(p.requires_grad for p in network.parameters())
    loss = (network.features(case.x) ** 2).mean()
    loss.backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None]
    network.zero_grad(set_to_none=True)
    assert not dead


LENGTHS: list[Any] = [(7, 7, 7), (1, 1), (9, 5, 1, 3), (2, 8)]


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "gpt2", "llama", "qwen2"])
@torch.no_grad()
def test_texts_equal_the_library_for_every_padding(kind: str, lengths: tuple[int, ...]) -> None:
    network, x, reference, _ = text_case(kind, lengths)
    last = network.stage_names[-1]
    assert torch.equal(network.feature_maps(x, [last])[last], reference)


@torch.no_grad()
def test_padding_does_not_change_a_texts_features() -> None:
    for kind in ("bert", "gpt2"):
        network = text_case(kind).network
        x = text_case(kind, (5, 5)).x
        padded = {key: torch.nn.functional.pad(value, (0, 4)) for key, value in x.items()}
        torch.testing.assert_close(network.features(x), network.features(padded))


@torch.no_grad()
def test_a_texts_pooled_maps_are_means_over_its_own_tokens() -> None:
    network, x, _, _ = text_case("bert", (5, 1))
    names = network.stage_names[-2:]
    maps, pooled = network.feature_maps(x, names), network.pooled_maps(x, names)
    for name in names:
        for row, length in enumerate((5, 1)):
            torch.testing.assert_close(pooled[name][row], maps[name][row, :length].mean(0))


@torch.no_grad()
def test_a_head_says_what_it_reads_and_so_how_late_states_may_enter() -> None:
    network, x, *_ = text_case("bert")
    names, last = network.stage_names, len(network.stages)
    maps = network.feature_maps(x, names)
    assert network.last_cut == last
    assert torch.equal(network.run(x), network.features(x))
    features, read = network.read(x)
    assert torch.equal(features, read)
    network.head.reads = "tokens"
    assert network.last_cut == last - 1
    pooled, tokens = network.read(x)
    assert torch.equal(pooled, features)
    assert torch.equal(tokens["hidden"], maps[names[-1]])
    network.entry = last
    with pytest.raises(ValueError, match="left behind"):
        network.read(features)
    network.entry = 0
    network.head.reads = (names[1], names[-1])
    assert network.last_cut == 1
    pooled, read = network.read(x)
    assert torch.equal(pooled, features)
    assert list(read) == [names[1], names[-1]]
    assert torch.equal(read[names[1]], maps[names[1]])
    network.head.reads = "features"
    width = sum(maps[name].shape[-1] for name in names[:2])
    assert network.tap(names[:2], width).last_cut == 0
    assert network.features(x).shape == (len(features), width)
    assert network.spec["taps"] == names[:2]
    network.entry = 1
    with pytest.raises(ValueError, match=f"No feature map of .*{names[0]}"):
        network.feature_maps(network.run(x, 0, 1), [names[0]])


@torch.no_grad()
def test_pooled_maps_are_means_over_space_and_over_tokens() -> None:
    for name in ("glyphs", "torchvision vit", "tabular"):
        network, x, *_ = CASES[name]()
        stages = network.stage_names
        maps, pooled = network.feature_maps(x, stages), network.pooled_maps(x, stages)
        for stage, state in maps.items():
            mean = {4: lambda s: s.flatten(2).mean(2), 3: lambda s: s.mean(1), 2: lambda s: s}[state.ndim](state)
            torch.testing.assert_close(pooled[stage], mean)
        assert list(network.pooled_maps(x, stages[:1])) == stages[:1]


def test_frozen_stages_run_without_a_graph_and_a_held_network_for_good() -> None:
    case = CASES["glyphs"]()
    network = case.network
    assert (network.frozen, network.entry, network.taps) == (0, 0, ())
    assert network.run(case.x, 0, 1).requires_grad
    network.freeze(1).train()
    first = network.run(case.x, 0, 1)
    assert not first.requires_grad
    assert network.run(first, 1).requires_grad
    assert all(name.startswith(f"stages.{network.stage_names[0]}.") for name in network.frozen_tensors())
    network.freeze(0)  # released modules train on at once, as the network does
    assert all(module.training for module in network.modules())
    network.hold().train()
    assert network.frozen == len(network.stages)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not any(module.training for module in network.modules())
    assert not network(case.x).requires_grad
