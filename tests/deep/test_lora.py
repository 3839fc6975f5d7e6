"""LoRA: the source's function at the start, merged into the plain layout at the end."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from headstart.checks import create_trial
from headstart.deep.finetune.lora import LoRA, adaptable
from headstart.deep.method import Nets
from headstart.errors import UserError
from headstart.networks import Network, build
from headstart.networks.unset_preprocess import UnsetPreprocess
from headstart.problem import Task
from headstart.tasks import Classification

TASK = Classification(Task("classification", ("a", "b", "c")))


class Mean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3))


def conv_network() -> Network:
    torch.manual_seed(0)
    stages = {
        "stem": nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        "deep": nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 6, 1), nn.BatchNorm2d(6)),
        "last": nn.Conv2d(6, 8, 3, stride=2),
    }
    network = Network(stages, Mean(), 8, UnsetPreprocess("image"), {})
    network.head = TASK.head(8)
    nn.init.normal_(network.head.weight)
    return network


def stir(nets: Nets) -> None:
    with torch.no_grad():
        for name, parameter in nets.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) * 0.3)


@pytest.mark.parametrize("depth", [None, 1, 2, 0])
def test_starts_from_the_source_bit_for_bit_and_merges_to_the_plain_layout(depth: int | None) -> None:
    x, plain = torch.randn(4, 1, 8, 8), conv_network().eval()
    network = conv_network().eval()
    nets = LoRA(depth=depth, rank=2).build(network, TASK).train()
    with torch.no_grad():
        assert torch.equal(nets.network(x), plain(x))
        stir(nets)
        adapted = nets.network(x)
        assert torch.equal(adapted, plain(x)) == (depth == 0)
        merged = LoRA(depth=depth, rank=2).finish(nets).eval()
        torch.testing.assert_close(merged(x), adapted, rtol=1e-5, atol=1e-5)
    assert list(merged.state_dict()) == list(plain.state_dict())
    assert not [m for m in merged.modules() if type(m).__module__.startswith("peft")]


def test_only_adapters_and_head_learn_and_norms_are_held() -> None:
    nets = LoRA(rank=2).build(conv_network(), TASK).train()
    learning = [name for name, parameter in nets.named_parameters() if parameter.requires_grad]
    assert all("lora_" in name or name.startswith("network.head") for name in learning)
    before = {name: tensor.clone() for name, tensor in nets.state_dict().items() if "running" in name}
    nets.network(torch.randn(4, 1, 8, 8) + 5)
    assert before
    assert all(torch.equal(nets.state_dict()[name], tensor) for name, tensor in before.items())


def test_layers_adapted_are_linear_maps_and_ungrouped_convolutions() -> None:
    network = conv_network()
    assert adaptable(network, network.stage_names) == ["stem.0", "deep.1", "last"]
    attention = nn.ModuleDict({"a": nn.MultiheadAttention(4, 2), "f": nn.Linear(4, 4)})
    assert adaptable(Network({"s": attention}, Mean(), 4, UnsetPreprocess("image"), {}), ["s"]) == ["s.f"]


def test_the_change_has_the_rank_and_the_scale() -> None:
    trial = create_trial()
    before = {name: tensor.clone() for name, tensor in trial.network().state_dict().items()}
    nets = LoRA(rank=2, alpha=4.0).build(trial.network(), trial.logic)
    layer = nets.network.stages["block1"].get_submodule("inner")
    stir(nets)
    a, b = layer.lora_A["default"].weight.detach(), layer.lora_B["default"].weight.detach()
    merged = LoRA(rank=2, alpha=4.0).finish(nets).state_dict()["stages.block1.inner.weight"]
    torch.testing.assert_close(merged, before["stages.block1.inner.weight"] + 4.0 / 2 * b @ a)
    assert torch.linalg.matrix_rank(merged - before["stages.block1.inner.weight"]) <= 2


@pytest.mark.parametrize("spec", [{"family": "timm", "name": "test_vit"}, {"family": "timm", "name": "test_convnext"}])
def test_merges_on_real_architectures(spec: dict) -> None:
    torch.manual_seed(0)
    network = build(spec, UnsetPreprocess("image")).eval()
    network.head = TASK.head(network.n_features)
    nn.init.normal_(network.head.weight)
    # In double precision: large random changes in every layer blow rounding up.
    network, x = network.double(), torch.randn(2, 3, 160, 160, dtype=torch.float64)
    keys = list(network.state_dict())
    with torch.no_grad():
        plain = network(x)
        nets = LoRA(rank=2).build(network, TASK).double()
        assert torch.equal(nets.network(x), plain)
        stir(nets)
        adapted = nets.network(x)
        merged = LoRA(rank=2).finish(nets)
        assert not torch.allclose(adapted, plain, rtol=0.01)
        torch.testing.assert_close(merged(x), adapted, rtol=1e-5, atol=1e-5)
    assert list(merged.state_dict()) == keys


def test_a_rank_of_zero_is_refused() -> None:
    with pytest.raises(UserError, match="rank"):
        LoRA(rank=0).build(conv_network(), TASK)
