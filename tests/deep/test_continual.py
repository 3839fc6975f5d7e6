"""LwF, EWC and replay: what keeps a network from forgetting, by their equations."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from headstart.checks.trial import create_trial
from headstart.deep.finetune.finetune import FineTune
from headstart.deep.finetune.penalties.ewc import EWC
from headstart.deep.finetune.penalties.lwf import LwF
from headstart.deep.finetune.replay import Replay
from headstart.deep.importance import diagonal_fisher
from headstart.engine import train
from headstart.errors import UserError


def built(method, trial):
    nets = method.build(trial.network(), trial.logic).eval()
    return nets, trial.stream(method).batch(0)


def moved(nets, by=0.1):
    with torch.no_grad():
        for parameter in nets.network.parameters():
            parameter += by


def test_the_importance_is_the_fisher_information_of_a_linear_model():
    # Of two classes, p(1 - p) x^2 for each weight of a linear head; the curvature has rank 1, so that nothing is drawn.
    trial = create_trial("classification")
    network = trial.network()
    network.head = nn.Linear(network.n_features, 2)
    samples = [({name: one[i : i + 1] for name, one in trial.x.items()}, torch.tensor([i % 2])) for i in range(6)]

    class Two:
        def loss(self, outputs, y):
            return functional.cross_entropy(outputs, y)

    found = diagonal_fisher(network, Two(), samples)
    with torch.no_grad():
        network.eval()
        features = torch.cat([network.features(x) for x, _ in samples])
        p = network.head(features).softmax(1)[:, :1]
    wanted = (p * (1 - p) * features.square()).sum(0)
    assert torch.allclose(found["head.weight"], wanted.expand(2, -1), rtol=1e-4, atol=1e-6)
    assert set(found) == {name for name, _ in network.named_parameters()}
    assert all((one >= 0).all() for one in found.values())
    assert not any(p.grad is not None for p in network.parameters())


def test_signs_estimate_the_sum_over_several_outputs_without_bias():
    trial = create_trial("regression")
    samples = [({name: one[i : i + 1] for name, one in trial.x.items()}, torch.zeros(1, 2)) for i in range(2)]
    network = trial.network().eval()
    drawn = [diagonal_fisher(network, trial.logic, samples, seed)["head.bias"] for seed in range(3)]
    # The mean of two squared errors bends by 1 in each output, whatever the sign.
    assert all(torch.allclose(one, torch.full((2,), 2.0)) for one in drawn)


def test_ewc_pulls_each_weight_by_its_importance():
    trial = create_trial()
    nets, batch = built(FineTune(penalties=(EWC(strength=3.0),)), trial)
    assert FineTune(penalties=(EWC(),)).loss(nets, batch, 0.0)["ewc"] == 0
    moved(nets)
    loss = FineTune(penalties=(EWC(strength=3.0),)).loss(nets, batch, 0.0)["ewc"]
    name, weight = next((n, p) for n, p in nets.network.named_parameters() if p.requires_grad)
    (slope,) = torch.autograd.grad(loss, [weight])
    assert torch.allclose(slope, 3.0 * nets.start.importance[name] * 0.1, rtol=1e-3)
    nets.start.importance = {}
    with pytest.raises(UserError, match="brings no importance"):
        FineTune(penalties=(EWC(),)).loss(nets, batch, 0.0)
    assert not FineTune(penalties=(EWC(),)).decays


def test_lwf_is_the_divergence_from_the_answers_at_the_start():
    trial = create_trial()
    nets, batch = built(FineTune(penalties=(LwF(strength=2.0, temperature=3.0),)), trial)
    method = FineTune(penalties=(LwF(strength=2.0, temperature=3.0),))
    assert method.loss(nets, batch, 0.0)["lwf"].abs() < 1e-6
    moved(nets)
    x = batch.target.x
    now, before = nets.network(x) / 3, nets.start(x) / 3
    wanted = (
        2 * 9 * functional.kl_div(now.log_softmax(1), before.log_softmax(1), log_target=True, reduction="batchmean")
    )
    assert torch.allclose(method.loss(nets, batch, 0.0)["lwf"], wanted, rtol=1e-4)


def test_replay_weighs_the_two_losses_and_says_what_it_needs():
    trial = create_trial()
    method = Replay(share=0.25)
    nets, batch = built(method, trial)
    losses = method.loss(nets, batch, 0.0)
    new, old = (trial.logic.loss(nets.network(part.x), part.y) for part in (batch.target, batch.source))
    assert torch.allclose(losses["task"], 0.75 * new)
    assert torch.allclose(losses["old"], 0.25 * old)
    with pytest.raises(UserError, match="Replay needs labelled source data"):
        train(method, trial.network(), trial.stream(FineTune()), task=trial.logic, steps=1, seed=0)
