"""Two players: what each minimises, in closed form, and who moves when."""

from __future__ import annotations

import math

import numpy as np
import ot
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from two_domains import THREE, adapt, network, rows, table

from headstart.checks import create_trial
from headstart.deep.across import ask, cross_entropy_of_domains, discriminator, told_apart
from headstart.deep.adversarial.adda import ADDA, judge
from headstart.deep.adversarial.cdan import CDAN
from headstart.deep.adversarial.dann import DANN
from headstart.deep.adversarial.mcd import MCD, discrepancy
from headstart.deep.adversarial.mdd import MDD, otherwise
from headstart.deep.adversarial.wdgrl import WDGRL
from headstart.deep.method import Batch, Method, Nets
from headstart.functional.certainty import certainty
from headstart.functional.confusion import entropy
from headstart.functional.multilinear import Multilinear
from headstart.functional.reverse import rising
from headstart.functional.slopes import gap, gradient_penalty


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def started(method: Method) -> tuple[Nets, Batch]:
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


def moves_of(method: Method, nets: Nets, batch: Batch, progress: float) -> list[tuple[str | None, dict[str, float]]]:
    """Return who moves in a step, and by which losses; nobody does."""
    moves = []

    def update(closure, player=None):
        losses = closure(batch)
        moves.append((player, {name: loss.item() for name, loss in losses.items()}))

    method.step(nets, batch, progress, update)
    return moves


def test_mcd_moves_the_heads_apart_then_the_body_together() -> None:
    nets, batch = started(MCD())
    moves = moves_of(MCD(rounds=2, balance=0.0), nets, batch, 0.5)
    assert [player for player, _ in moves] == [None, "heads", "body", "body"]
    apart = discrepancy(nets, batch).item()
    assert "discrepancy" not in moves[0][1]
    assert moves[1][1]["discrepancy"] == pytest.approx(-apart)
    assert moves[2][1] == {"discrepancy": pytest.approx(apart)}
    nets.second.load_state_dict(nets.network.head.state_dict())
    assert discrepancy(nets, batch).item() == 0.0


def test_mcd_holds_the_body_back_from_one_class_for_all_of_the_target() -> None:
    nets, batch = started(MCD())
    for head in (nets.network.head, nets.second):
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
    even = moves_of(MCD(rounds=1, balance=0.5), nets, batch, 0.5)[-1][1]
    assert even == {"discrepancy": 0.0, "balance": pytest.approx(-0.5 * math.log(len(nets.network.head.bias)))}
    for head in (nets.network.head, nets.second):
        with torch.no_grad():
            head.bias[0] = 50.0
    alone = moves_of(MCD(rounds=1, balance=0.5), nets, batch, 0.5)[-1][1]
    assert alone == {"discrepancy": pytest.approx(0.0, abs=1e-6), "balance": pytest.approx(0.0, abs=1e-6)}


def test_adda_learns_the_source_then_a_copy_of_the_body_stands_still() -> None:
    method = ADDA(first=0.5)
    nets, batch = started(method)
    with torch.no_grad():
        nets.network.stages["block3"].inner.weight.add_(1)
    assert [player for player, _ in moves_of(method, nets, batch, 0.4)] == [None]
    copied = nets.source.stages["block3"].inner.weight
    assert torch.equal(copied, nets.network.stages["block3"].inner.weight)
    with torch.no_grad():
        nets.network.stages["block3"].inner.weight.add_(1)
    moves = moves_of(method, nets, batch, 0.6)
    assert [player for player, _ in moves] == ["judges", "body"]
    assert not torch.equal(copied, nets.network.stages["block3"].inner.weight)
    judge(nets, batch)["domain"].backward()
    assert all(p.grad is None for p in nets.network.parameters())
    assert nets.critic[0].weight.grad.any()
    told = nets.critic(nets.network.features(batch.target.x))
    assert moves[1][1]["pass"] == pytest.approx(F.binary_cross_entropy_with_logits(told, torch.ones(8)).item())


def test_the_critics_penalty_is_that_of_its_slope() -> None:
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    linear = lambda z: z @ w  # noqa: E731
    value = gradient_penalty(linear, draw(6, 2))
    assert value.item() == pytest.approx((5 - 1) ** 2)
    value.backward()
    torch.testing.assert_close(w.grad, 2 * (5 - 1) * w.detach() / 5)
    quadratic = lambda z: (z**2).sum(dim=1) / 2  # noqa: E731
    points = draw(6, 2)
    assert gradient_penalty(quadratic, points).item() == pytest.approx(((points.norm(dim=1) - 1) ** 2).mean().item())
    assert gap(linear, points + 1, points).item() == pytest.approx(7, rel=1e-4)


def test_wdgrls_critic_moves_first_and_against_the_body() -> None:
    method = WDGRL(rounds=3, strength=0.5)
    nets, batch = started(method)
    moves = moves_of(method, nets, batch, 0.5)
    assert [player for player, _ in moves] == ["critic"] * 3 + ["all"]
    with torch.no_grad():
        seen = method.measures(nets, batch)["wasserstein"]
    assert moves[0][1]["wasserstein"] == pytest.approx(-seen, rel=1e-5)
    assert moves[3][1]["wasserstein"] == pytest.approx(0.5 * seen, rel=1e-5)
    assert moves[0][1]["slope"] > 0


def test_a_trained_critic_sees_about_the_wasserstein_distance() -> None:
    trained = adapt(WDGRL(body_rate=0.0, rounds=3), steps=24)
    features = [trained.network.features(table(rows(48, seed, target=t)[0])) for seed, t in ((10, False), (20, True))]
    cost = torch.cdist(*features).detach().double().numpy()
    exact = ot.emd2([], [], cost)
    assert 0.8 * exact < trained.history[-1]["measures"]["wasserstein"] < 1.4 * exact


def test_otherwise_is_the_loss_of_any_other_class_and_finite_where_there_is_no_doubt() -> None:
    outputs, classes = draw(5, 3), torch.tensor([0, 1, 2, 0, 1])
    p = outputs.softmax(dim=1).gather(1, classes[:, None])[:, 0]
    torch.testing.assert_close(otherwise(outputs, classes), -(1 - p).log().mean())
    sure = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    value = otherwise(sure, torch.tensor([0]))
    value.backward()
    assert value.item() == pytest.approx(200 - np.log(2), rel=1e-5)
    assert sure.grad.isfinite().all()


def test_mdds_adversary_agrees_on_the_source_and_differs_on_the_target() -> None:
    told = adapt(MDD(body_rate=0.0), steps=60, rate=3e-2).history[-1]["measures"]
    assert told["disagreement_source"] < 0.2
    assert told["disagreement_target"] > 0.8


def test_a_discriminator_that_sees_frozen_noise_guesses_and_one_that_sees_the_domains_does_not() -> None:
    told = [record["measures"]["discriminator_accuracy"] for record in adapt(DANN(body_rate=0.0)).history]
    assert told[-1] > 0.9
    nets = DANN().build(network(), THREE)
    assert told_apart(*ask(nets.critic, draw(2000, 16), draw(2000, 16, seed=1))) == pytest.approx(0.5, abs=0.05)
