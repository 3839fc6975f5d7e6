"""Inputs moved against the network: how far, where, and what training on them is worth."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor
from two_domains import THREE, adapt, network, rows, table

from headstart import catalogue
from headstart.checks import create_trial
from headstart.data.batches import Samples
from headstart.deep.adversarial.pgd import PGD
from headstart.deep.adversarial.vat import VAT
from headstart.deep.attack import point_of, slopes, worst
from headstart.deep.finetune.finetune import FineTune
from headstart.deep.method import Nets
from headstart.deep.parts import forward
from headstart.errors import UserError
from headstart.networks import Network


def trained(penalties: tuple = ()) -> Network:
    return adapt(FineTune(body_rate=1.0, penalties=penalties), alone=True).network.eval()


X, Y = rows(45, 20, target=True)


def loss_of(y: Tensor):
    return lambda outputs: torch.nn.functional.cross_entropy(outputs, y)


@pytest.mark.parametrize("steps", [1, 4])
def test_the_move_stays_in_its_radius_and_raises_the_loss(steps: int) -> None:
    net, y = trained(), torch.from_numpy(Y)
    point = point_of(net, table(X))
    delta = worst(point, loss_of(y), 0.3, steps)
    rms = torch.from_numpy(X).square().mean(dim=1, keepdim=True).sqrt()
    assert (delta.abs() <= 0.3 * rms * (1 + 1e-6)).all()
    assert loss_of(y)(point.outputs(delta)) > 2 * loss_of(y)(net(table(X)))
    assert all(p.grad is None for p in net.parameters())


def test_one_step_is_the_radius_times_the_gradients_sign_and_several_find_more() -> None:
    net, y = trained(), torch.from_numpy(Y)
    point = point_of(net, table(X))
    (slope,) = slopes(point, loss_of(y), torch.zeros_like(point.values))
    fgsm = worst(point, loss_of(y), 0.3, 1)
    torch.testing.assert_close(fgsm, 0.3 * point.size * slope.sign())
    pgd = worst(point, loss_of(y), 0.3, 8)
    assert loss_of(y)(point.outputs(pgd)) > loss_of(y)(point.outputs(fgsm))


def test_training_on_moved_inputs_withstands_them() -> None:
    y, told = torch.from_numpy(Y), {}
    for name, net in {"plain": trained(), "pgd": trained((PGD(epsilon=0.4, steps=3),))}.items():
        point = point_of(net, table(X))
        moved = point.outputs(worst(point, loss_of(y), 0.4, 5))
        told[name] = [(outputs.argmax(dim=1) == y).float().mean().item() for outputs in (net(table(X)), moved)]
    assert told["plain"][1] + 0.1 < told["pgd"][1]
    assert told["pgd"][0] > 0.85


def test_the_term_is_the_loss_of_moved_inputs_and_carries_a_gradient_to_weights() -> None:
    trial = create_trial()
    method = FineTune(penalties=(PGD(strength=0.5),))
    nets = method.build(trial.network(), trial.logic).eval()
    passed = forward(nets.network, trial.batch().target)
    term = method.penalties[0].term(nets, passed)
    task = trial.logic.loss(passed.outputs, passed.samples.y)
    assert term > 0.5 * task
    term.backward()
    assert nets.network.stages["columns"].weight.grad.any()


def test_behind_frozen_stages_their_output_is_moved_and_cached_features_are_moved_as_they_enter() -> None:
    net = network().freeze(2)
    point = point_of(net, table(X))
    assert point.cut == 2
    assert torch.equal(point.values, net.run(table(X), 0, 2))
    net.entry = 2
    assert torch.equal(point_of(net, point.values).values, point.values)
    whole = network().freeze(3)
    assert point_of(whole, table(X)).cut == 3
    assert torch.equal(point_of(whole, table(X)).values, whole.features(table(X)))


def test_a_table_without_numbers_is_moved_behind_its_embeddings() -> None:
    trial = create_trial()
    net = trial.network()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headstart.deep.attack.MOVED", ("hidden",))
        point = point_of(net, trial.x | {"hidden": torch.zeros(16, 0)})
    assert point.cut == 1


def texts() -> tuple[Network, dict[str, Tensor]]:
    """Return a small text network and two texts of different lengths."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "proofs"))
    from cases import tagging

    case = tagging()
    net = case.network
    net.head = THREE.head_of(net)
    return net.eval(), net.preprocess(["a b c d", "a"])


def test_texts_are_moved_behind_their_embeddings_and_padding_is_not() -> None:
    net, x = texts()
    torch.nn.init.normal_(net.head.weight)
    point = point_of(net, x)
    assert point.cut == 1
    assert point.values.is_floating_point()
    delta = worst(point, loss_of(torch.tensor([0, 1])), 0.3, 1)
    told = point.masked(torch.ones_like(delta))
    assert torch.equal(told[..., 0], x["attention_mask"].to(told))
    assert loss_of(torch.tensor([0, 1]))(point.outputs(delta)) > loss_of(torch.tensor([0, 1]))(net(x))


def test_a_head_that_reads_something_else_is_refused() -> None:
    net, x = texts()
    net.head.reads = "tokens"
    with pytest.raises(UserError, match="reads tokens; choose another method"):
        point_of(net, x)


def test_vat_moves_each_sample_by_its_share_and_further_than_a_random_direction() -> None:
    net = trained()
    nets, penalty = Nets(net, THREE), VAT(epsilon=0.3, steps=2)
    passed = forward(net, Samples(table(X)))
    torch.manual_seed(0)
    term = penalty.term(nets, passed)
    point = point_of(net, passed.samples.x)
    length = torch.from_numpy(X).norm(dim=1, keepdim=True)
    guesses = [torch.randn(45, 6) for _ in range(10)]
    random = [
        THREE.imitation(point.outputs(0.3 * length * g / g.norm(dim=1, keepdim=True)), net(table(X)), 1.0)
        for g in guesses
    ]
    assert term > 4 * sum(random) / len(random)
    assert VAT(epsilon=0.0).term(nets, passed).item() == pytest.approx(0, abs=1e-6)
    torch.manual_seed(0)
    assert term.item() == pytest.approx(2 * VAT(epsilon=0.3, steps=2, strength=0.5).term(nets, passed).item())


def test_across_domains_vat_is_asked_of_the_target_too_and_pgd_is_not() -> None:
    trial = create_trial()
    method = catalogue.create("dann+vat+pgd", None, {"vat.strength": 2.0})
    nets = method.build(trial.network(), trial.logic).eval()
    batch = trial.stream(method).batch(0)
    losses = method.loss(nets, batch, 0.5)
    assert sorted(losses) == ["domain", "pgd", "task", "vat", "vat_target"]
    torch.manual_seed(0)
    expected = VAT(strength=2.0).term(nets, forward(nets.network, batch.target))
    assert losses["vat_target"].item() == pytest.approx(expected.item(), rel=0.3)
