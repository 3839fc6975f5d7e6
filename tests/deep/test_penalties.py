"""Penalties: closed forms, zero at the start, agreement with numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart.checks import create_trial
from headstart.deep.channels import places
from headstart.deep.finetune.finetune import FineTune
from headstart.deep.finetune.penalties.bss import BSS
from headstart.deep.finetune.penalties.delta import DELTA
from headstart.deep.finetune.penalties.l2sp import L2SP
from headstart.deep.method import Nets
from headstart.deep.parts import forward
from headstart.deep.penalty import Passed, Penalty, stages_read


def nets_with(penalty: Penalty, depth: int | None = None) -> Nets:
    trial = create_trial()
    return FineTune(depth=depth, penalties=(penalty,)).build(trial.network(), trial.logic).eval()


def passed_by(nets: Nets, penalty: Penalty) -> Passed:
    return forward(nets.network, create_trial().batch().target, stages_read((penalty,), nets.network))


def shift(nets: Nets, amount: float) -> None:
    with torch.no_grad():
        for parameter in nets.network.stages.parameters():
            if parameter.requires_grad:
                parameter.add_(amount)


def test_l2sp_is_zero_on_the_stages_at_the_start() -> None:
    penalty = L2SP(alpha=1.0, beta=0.0)
    nets = nets_with(penalty)
    assert penalty.term(nets, passed_by(nets, penalty)).item() == 0.0


@pytest.mark.parametrize("depth", [None, 1])
def test_l2sp_gradient_is_alpha_times_the_way_from_the_start(depth: int | None) -> None:
    penalty = L2SP(alpha=0.3, beta=0.2)
    nets = nets_with(penalty, depth)
    shift(nets, 0.25)
    penalty.term(nets, passed_by(nets, penalty)).backward()
    for parameter in nets.network.stages.parameters():
        if parameter.requires_grad:
            torch.testing.assert_close(parameter.grad, torch.full_like(parameter, 0.3 * 0.25))
        else:
            assert parameter.grad is None
    torch.testing.assert_close(nets.network.head.weight.grad, 0.2 * nets.network.head.weight.detach())
    assert all(parameter.grad is None for parameter in nets.start.parameters())


@pytest.mark.parametrize("k", [1, 3])
def test_bss_is_the_smallest_singular_values_squared(k: int) -> None:
    nets = nets_with(BSS())
    features = torch.randn(6, 9, generator=torch.Generator().manual_seed(0), requires_grad=True)
    passed = Passed(create_trial().batch().target, {}, features, features)
    term = BSS(eta=0.5, k=k).term(nets, passed)
    u, s, vt = np.linalg.svd(features.detach().numpy().astype(np.float64), full_matrices=False)
    assert term.item() == pytest.approx(0.5 * (s[-k:] ** 2).sum(), rel=1e-4)
    term.backward()
    slope = (u[:, -k:] * s[-k:]) @ vt[-k:]
    np.testing.assert_allclose(features.grad.numpy(), slope, atol=1e-4)


@pytest.mark.parametrize("attention", ["uniform", "saliency"])
def test_delta_is_zero_at_the_start_and_positive_after(attention: str) -> None:
    penalty = DELTA(alpha=1.0, beta=0.0, attention=attention)
    nets = nets_with(penalty)
    assert penalty.term(nets, passed_by(nets, penalty)).item() == 0.0
    shift(nets, 0.1)
    assert penalty.term(nets, passed_by(nets, penalty)).item() > 0.0


def test_delta_uniform_is_the_mean_square_over_places() -> None:
    penalty = DELTA(alpha=2.0, beta=0.0)
    nets = nets_with(penalty, depth=1)
    shift(nets, 0.1)
    passed = passed_by(nets, penalty)
    name = nets.network.stage_names[-1]
    with torch.no_grad():
        before = nets.start.feature_maps(passed.samples.x, [name])[name]
    gap = (passed.states[name] - before).square().sum(dim=1).mean()
    assert penalty.term(nets, passed).item() == pytest.approx(gap.item(), rel=1e-5)


def test_delta_reads_the_named_learning_stages_only() -> None:
    nets = nets_with(DELTA(), depth=2)
    assert DELTA().stages(nets.network) == nets.network.stage_names[-2:]
    assert DELTA(stages_compared=(nets.network.stage_names[-1],)).stages(nets.network) == nets.network.stage_names[-1:]


def test_places_leave_padding_out() -> None:
    hidden, mask = torch.randn(2, 3, 4), torch.tensor([[1, 1, 0], [1, 1, 1]])
    values, real = places({"hidden": hidden, "attention_mask": mask})
    assert torch.equal(values, hidden)
    assert real.sum().item() == 5
    values, real = places(torch.randn(2, 5, 3, 3))
    assert values.shape == (2, 9, 5)
    assert real.sum().item() == 18


def test_the_start_shares_frozen_stages_and_never_moves() -> None:
    trial = create_trial()
    method = FineTune(depth=1, penalties=(L2SP(alpha=1.0),))
    nets = method.build(trial.network(), trial.logic).train()
    names = nets.network.stage_names
    assert nets.start.stages[names[0]] is nets.network.stages[names[0]]
    assert nets.start.stages[names[-1]] is not nets.network.stages[names[-1]]
    assert not any(module.training for module in nets.start.modules())
    assert not any(parameter.requires_grad for parameter in nets.start.parameters())
