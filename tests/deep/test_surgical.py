"""Surgical fine-tuning, StochNorm and Co-Tuning, by what their papers state."""

import copy

import pytest
import torch
from torch import nn

from headstart.checks.trial import create_trial
from headstart.deep.finetune.co_tuning import CoTuning
from headstart.deep.finetune.stoch_norm import StochNorm
from headstart.deep.finetune.surgical import Surgical
from headstart.deep.method import Nets
from headstart.errors import UserError
from headstart.networks import Network


@pytest.fixture
def trial():
    return create_trial()


def test_stages_move_by_the_ratio_of_gradient_and_weights(trial):
    method = Surgical()
    nets = method.build(trial.network(), trial.logic)
    stages = [[p for p in stage.parameters() if p.requires_grad] for stage in nets.network.stages.values()]
    wanted = [1.0, 0.5, 0.25]
    moved = [0, 0, 0]
    for _ in range(8):
        # A loss whose slope of each weight is the weight by the ratio that is wanted of its stage.
        total = sum(ratio * 0.5 * p.square().sum() for ratio, stage in zip(wanted, stages, strict=False) for p in stage)
        nets.zero_grad()
        method.backward({"task": total}, nets)
        moved = [n + (stage[0].grad is not None) for n, stage in zip(moved, stages, strict=False)]
    assert moved == [8, 4, 2]
    assert nets.memory["saved"].shape == (len(stages),)


def test_nothing_is_left_out_where_no_weight_has_a_slope(trial):
    method = Surgical()
    nets = method.build(trial.network(), trial.logic)
    method.backward({"task": sum(0.0 * p.sum() for p in nets.network.parameters())}, nets)
    assert torch.isfinite(nets.memory["saved"]).all()


def normed():
    torch.manual_seed(0)
    stages = {"one": nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6))}
    network = Network(stages, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), 6, None, {})
    network.stages["one"][1].running_mean.fill_(0.7)
    network.stages["one"][1].running_var.fill_(2.0)
    return network


@pytest.mark.parametrize(("share", "moving"), [(1.0, 6), (0.5, None)])
def test_channels_take_moving_or_batch_statistics(share, moving):
    network, x = normed(), torch.randn(4, 1, 5, 5)
    by_batch, by_moving = copy.deepcopy(network).train(), copy.deepcopy(network).eval()
    nets = StochNorm(share=share).build(network, None)
    nets.train()
    found, batch, kept = (net.stages["one"](x) for net in (network, by_batch, by_moving))
    took = [torch.allclose(found[:, c], kept[:, c], atol=1e-6) for c in range(6)]
    assert all(t or torch.allclose(found[:, c], batch[:, c], atol=1e-6) for c, t in enumerate(took))
    assert sum(took) == moving if moving is not None else 0 < sum(took) < 6
    # The batch is taken into the moving statistics as ever, and at prediction these alone count.
    assert torch.equal(network.stages["one"][1].running_mean, by_batch.stages["one"][1].running_mean)
    assert torch.equal(network.eval().stages["one"](x), by_batch.eval().stages["one"](x))


def test_what_is_handed_back_is_a_plain_network():
    network = normed()
    method = StochNorm()
    kept = method.finish(method.build(network, None))
    assert isinstance(kept, Network)
    assert "forward" not in vars(kept.stages["one"][1])
    untouched = StochNorm(depth=0).build(normed(), None)
    assert isinstance(untouched, Nets)
    assert "forward" not in vars(untouched.network.stages["one"][1])


def test_co_tuning_learns_what_the_targets_classes_are_among_the_sources(trial):
    method = CoTuning(strength=0.5)
    nets = method.build(trial.network(), trial.logic).eval()
    start = trial.network().eval()
    answers = start.former[0](start.features(trial.x)).softmax(1)
    batch = trial.stream(method).batch(0)
    nets.memory = method.survey(nets, lambda role: iter([trial.batch(10).target, _rest(trial, 10)]))
    relation = nets.memory["relation"]
    for label in range(3):
        assert torch.allclose(relation[label], answers[torch.as_tensor(trial.y) == label].mean(0), atol=1e-6)
    losses = method.loss(nets, batch, 0.0)
    logs = nets.former(nets.network.features(batch.target.x)).log_softmax(1)
    wanted = -0.5 * (relation[batch.target.y] * logs).sum(1).mean()
    assert torch.allclose(losses["source_classes"], wanted)
    # What classes are among the source's is settled before training.
    assert method.survey(nets, None) is nets.memory
    network = trial.network()
    network.former = ()
    with pytest.raises(UserError, match="brings no head"):
        method.build(network, trial.logic)


def _rest(trial, start):
    from headstart.data.batches import Samples

    return Samples({name: one[start:] for name, one in trial.x.items()}, torch.as_tensor(trial.y[start:]))
