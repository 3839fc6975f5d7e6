"""Two players: what each minimises, in closed form, and who moves when."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from two_domains import THREE, adapt, network

from headstart.checks import create_trial
from headstart.deep.across import ask, cross_entropy_of_domains, discriminator, told_apart
from headstart.deep.adversarial.cdan import CDAN
from headstart.deep.adversarial.dann import DANN
from headstart.deep.adversarial.mcd import MCD, discrepancy
from headstart.deep.method import Batch, Nets
from headstart.functional.certainty import certainty
from headstart.functional.confusion import entropy
from headstart.functional.multilinear import Multilinear
from headstart.functional.reverse import rising


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def started(method: DANN | CDAN | MCD) -> tuple[Nets, Batch]:
    trial = create_trial()
    torch.manual_seed(0)
    return method.build(trial.network(), trial.logic).eval(), trial.stream(method).batch(0)


def test_the_discriminators_loss_is_the_mean_cross_entropy_over_both_domains() -> None:
    source, target = draw(5), draw(5, seed=1)
    truth = torch.cat([torch.ones(5), torch.zeros(5)])
    expected = F.binary_cross_entropy_with_logits(torch.cat([source, target]), truth)
    torch.testing.assert_close(cross_entropy_of_domains(source, target), expected)
    weights = draw(5, seed=2).exp(), draw(5, seed=3).exp()
    weighed = F.binary_cross_entropy_with_logits(torch.cat([source, target]), truth, weight=torch.cat(weights))
    torch.testing.assert_close(cross_entropy_of_domains(source, target, weights), weighed)


def test_told_apart_counts_both_domains_alike() -> None:
    assert told_apart(torch.tensor([1.0, 2.0]), torch.tensor([-1.0] * 5)) == 1.0
    assert told_apart(torch.tensor([1.0, 2.0]), torch.tensor([3.0] * 5)) == 0.5
    assert told_apart(torch.zeros(4), torch.zeros(4)) == 0.5


def test_behind_the_discriminator_the_gradient_is_reversed_and_before_it_is_not() -> None:
    critic, source, target = discriminator(3, 4), draw(5, 3).requires_grad_(), draw(5, 3, seed=1).requires_grad_()
    plain = torch.autograd.grad(
        cross_entropy_of_domains(critic(source), critic(target)), [source, target, *critic.parameters()]
    )
    turned = torch.autograd.grad(
        cross_entropy_of_domains(*ask(critic, source, target, 0.3)), [source, target, *critic.parameters()]
    )
    for one, other in zip(plain[:2], turned[:2], strict=True):
        torch.testing.assert_close(other, -0.3 * one)
    for one, other in zip(plain[2:], turned[2:], strict=True):
        torch.testing.assert_close(other, one)


def test_danns_body_is_pushed_by_the_factor_that_rises_with_progress() -> None:
    nets, batch = started(DANN())
    pushes = []
    for progress in (0.0, 0.1, 0.5):
        nets.zero_grad(set_to_none=True)
        DANN().loss(nets, batch, progress)["domain"].backward()
        pushes.append(nets.network.stages["block3"].inner.weight.grad.clone())
    assert not pushes[0].any()
    torch.testing.assert_close(pushes[2] * rising(0.1), pushes[1] * rising(0.5))


def test_the_multilinear_map_is_the_outer_product_and_its_projection_keeps_products_on_average() -> None:
    g, p = draw(4, 3), draw(4, 2, seed=1).softmax(dim=1)
    exact = Multilinear(3, 2, largest=6)
    torch.testing.assert_close(
        exact(g, p), torch.stack([torch.outer(a, b).flatten() for a, b in zip(g, p, strict=True)])
    )
    torch.manual_seed(0)
    drawn = [Multilinear(3, 2, largest=5) for _ in range(3000)]
    assert all(one(g, p).shape == (4, 5) for one in drawn[:3])
    products = torch.stack([one(g, p) @ one(g, p).T for one in drawn])
    error = products.std(dim=0) / len(drawn) ** 0.5
    assert ((products.mean(dim=0) - exact(g, p) @ exact(g, p).T).abs() < 4 * error).all()


def test_certainty_is_2_for_a_sure_answer_and_1_and_a_share_for_none() -> None:
    outputs = torch.tensor([[40.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(certainty(outputs), torch.tensor([2.0, 1.25]))
    torch.testing.assert_close(entropy(outputs)[1], torch.tensor(np.log(4), dtype=torch.float32))


def test_cdan_sees_no_gradient_through_the_answer_and_cdan_e_weighs_it() -> None:
    nets, batch = started(CDAN())
    CDAN().loss(nets, batch, 0.5)["domain"].backward()
    assert nets.network.head.weight.grad is None
    assert nets.network.stages["block3"].inner.weight.grad.any()
    plain, weighed = (CDAN(entropy=e).loss(nets, batch, 0.5)["domain"] for e in (False, True))
    assert plain < weighed < 2 * plain
    with torch.no_grad():
        nets.network.head.weight.zero_()
        nets.network.head.bias.zero_()
    plain, weighed = (CDAN(entropy=e).loss(nets, batch, 0.5)["domain"] for e in (False, True))
    torch.testing.assert_close(weighed, plain * 4 / 3)


def test_mcd_moves_the_heads_apart_then_the_body_together() -> None:
    method, moves = MCD(rounds=2), []
    nets, batch = started(method)

    def update(closure, player=None):
        losses = closure(batch)
        nets.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        moves.append((player, {name: loss.item() for name, loss in losses.items()}))

    method.step(nets, batch, 0.5, update)
    assert [player for player, _ in moves] == [None, "heads", "body", "body"]
    apart = discrepancy(nets, batch).item()
    assert "discrepancy" not in moves[0][1]
    assert moves[1][1]["discrepancy"] == pytest.approx(-apart)
    assert moves[2][1] == {"discrepancy": pytest.approx(apart)}
    nets.second.load_state_dict(nets.network.head.state_dict())
    assert discrepancy(nets, batch).item() == 0.0


def test_a_discriminator_that_sees_frozen_noise_guesses_and_one_that_sees_the_domains_does_not() -> None:
    told = [record["measures"]["discriminator_accuracy"] for record in adapt(DANN(body_rate=0.0)).history]
    assert told[-1] > 0.9
    nets = DANN().build(network(), THREE)
    assert told_apart(*ask(nets.critic, draw(2000, 16), draw(2000, 16, seed=1))) == pytest.approx(0.5, abs=0.05)
