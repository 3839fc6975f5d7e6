"""WiSE-FT and the soup: weights between networks, settled on rows that the training has not seen."""

import copy

import pytest
import torch
from torch import nn

from headstart.checks.trial import create_trial
from headstart.deep.averages import average_into
from headstart.deep.finetune.finetune import FineTune
from headstart.deep.finetune.soup import Soup
from headstart.deep.finetune.wise_ft import WiseFT
from headstart.engine import Selection


def tensors(network):
    return [one for one in network.state_dict().values() if one.is_floating_point()]


@pytest.fixture(scope="module")
def trial():
    return create_trial()


def test_the_mean_of_networks_and_of_their_running_statistics():
    one, other, third, mean = (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)) for _ in range(4))
    other[1].running_var.fill_(9.0)
    other[1].num_batches_tracked.fill_(7)
    average_into(mean, [(one, 0.75), (other, 0.25)])
    assert torch.allclose(mean[1].running_var, torch.tensor([3.0, 3.0]))
    assert mean[1].num_batches_tracked == 7
    assert torch.allclose(mean[0].weight, 0.75 * one[0].weight + 0.25 * other[0].weight)
    average_into(mean, [(one, 0.5), (other, 0.25), (third, 0.25)])
    assert torch.allclose(mean[0].bias, 0.5 * one[0].bias + 0.25 * (other[0].bias + third[0].bias))
    for share, end in ((0.0, one), (1.0, other)):
        average_into(mean, [(one, 1 - share), (other, share)])
        assert all(torch.equal(a, b) for a, b in zip(mean.state_dict().values(), end.state_dict().values(), strict=True)
                   if a.is_floating_point())  # fmt: skip


def test_the_kept_weights_lie_between_start_and_end(trial):
    start = tensors(trial.network())
    end = tensors(trial.train(FineTune(head_rate=0.1)).network)
    kept = tensors(trial.train(WiseFT(mix=0.25)).network)
    moved = 0
    for first, last, one in zip(start, end, kept, strict=True):
        assert torch.allclose(one, 0.75 * first + 0.25 * last, atol=1e-6)
        moved += int(not torch.equal(first, last))
    assert moved > 3


def test_the_mix_is_that_of_the_best_score_and_of_the_least_loss_where_scores_are_equal(trial):
    method = WiseFT()
    trained = trial.train(method)
    nets, target = trained.nets, 0.3
    ends = [torch.cat([one.flatten() for one in tensors(net)]) for net in (nets.start, nets.network)]

    def mix_of(network):
        now = torch.cat([one.flatten() for one in tensors(network)])
        return float(((now - ends[0]) @ (ends[1] - ends[0])) / (ends[1] - ends[0]).square().sum())

    assert method.chosen(nets, lambda network: (1.0, -abs(mix_of(network) - target))) == {"mix": 0.3}
    assert method.chosen(nets, lambda network: (round(mix_of(network), 1) == 0.8, 0.0)) == {"mix": 0.8}


def test_a_soup_takes_what_does_not_make_it_worse(trial):
    method = Soup()
    nets = trial.train(method).nets
    networks = [nets.network, nets.second, nets.third]
    weights = [torch.cat([one.flatten() for one in tensors(net)]) for net in networks]
    assert not torch.equal(weights[0], weights[1])
    wanted = (weights[0] + weights[2]) / 2

    def near(network):
        now = torch.cat([one.flatten() for one in tensors(network)])
        return 0.0, -float((now - wanted).square().sum())

    assert method.chosen(nets, near) == {"members": (0, 2)}
    alone = copy.deepcopy(weights[1])
    assert method.chosen(nets, lambda net: (-float((torch.cat([one.flatten() for one in tensors(net)]) - alone)
                                                   .square().sum()), 0.0)) == {"members": (1,)}  # fmt: skip
    for members, mean in (((0, 2), wanted), ((1, 2), (weights[1] + weights[2]) / 2)):
        kept = torch.cat([one.flatten() for one in tensors(Soup(members=members).finish(nets))])
        assert torch.allclose(kept, mean, atol=1e-6)


def test_a_member_that_trains_alone_keeps_its_own_rate(trial):
    slow, fast = (tensors(trial.train(Soup(members=(number,))).network) for number in (1, 2))
    start = tensors(trial.network())
    distance = [sum(float((a - b).square().sum()) for a, b in zip(one, start, strict=True)) for one in (slow, fast)]
    assert distance[0] < 0.3 * distance[1]


def test_training_watches_the_mean(trial):
    seen = []

    def watched(network):
        seen.append(torch.cat([one.flatten().clone() for one in tensors(network)]))
        return {"loss": 0.0, "score": 0.0}

    trained = trial.train(Soup(), selection=Selection(watched, every=1, keep_best=False))
    assert torch.equal(seen[-1], torch.cat([one.flatten() for one in tensors(trained.network)]))
