"""DCGAN and what judges it: equations on cases small enough to count."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from headstart import catalogue
from headstart.checks.methods import check_parameters
from headstart.checks.recording import record
from headstart.checks.writing import check_writing
from headstart.data.batches import Batch, Samples
from headstart.engine import Optimizer, Stream, train
from headstart.errors import UserError
from headstart.functional.kid import copies, gain, kid
from headstart.networks import build
from headstart.networks.dcgan import dcgan_spec, generator_of
from headstart.tasks.generating import GeneratingTask
from headstart.tasks.nothing import NoTask


def network():
    torch.manual_seed(0)
    return build({**dcgan_spec(1), "width": 4})


def pictures(n=6):
    return torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def method(**options):
    return catalogue.create("dcgan", None, {"noise": 5, "width": 8, **options})


def test_writing_and_parameters():
    check_writing(type(method()))
    check_parameters(method())
    assert set(catalogue.get("dcgan").needs) == method().needs


def test_both_players_move_by_the_papers_losses():
    dcgan = method()
    nets = dcgan.build(network(), NoTask()).eval()
    batch = Batch(Samples(pictures()))
    torch.manual_seed(1)
    drawn = nets.generator(torch.randn(6, 5))
    told = nets.critic(nets.network.features(drawn))[:, 0]
    torch.manual_seed(1)
    fool = dcgan.loss(nets, batch, 0.0)["fool"]
    assert torch.allclose(fool, -functional.logsigmoid(told).mean())
    torch.manual_seed(1)
    judged = dcgan._judge(nets, batch)["judge"]
    real = nets.critic(nets.network.features(pictures()))[:, 0]
    assert torch.allclose(judged, -functional.logsigmoid(real).mean() - functional.logsigmoid(-told).mean())
    judged.backward()
    assert all(p.grad is None for p in nets.generator.parameters())
    stream = Stream(lambda rows, view: pictures()[rows], n=6, batch_size=6, seed=0)
    moves = record(dcgan, nets, stream, batch).moves
    assert [player for player, _ in moves] == ["judge", "generator"]
    assert {group.player for group in dcgan.groups(nets)} == {"judge", "generator"}


def test_what_is_carried_over_stands_still_where_it_shall():
    start = generator_of(network(), 5, 8)
    before = {name: one.clone() for name, one in start.state_dict().items()}
    critic = torch.nn.Linear(network().n_features, 1)
    dcgan, body = method(frozen=1, scales_only=True), network()
    first = body.stages["block1"][0].weight.clone()
    stream = Stream(lambda rows, view: pictures()[rows], n=6, batch_size=3, seed=0)
    trained = train(dcgan, body, stream, task=GeneratingTask(start, critic), steps=3, optimizer=Optimizer(1e-2))
    assert torch.equal(trained.network.stages["block1"][0].weight, first)
    assert not torch.equal(trained.network.stages["block2"][0].weight, network().stages["block2"][0].weight)
    moved = {name for name, one in trained.nets.generator.named_parameters() if not torch.equal(one, before[name])}
    assert len(moved) == len(start.scales())
    judging = method(frozen=9).build(network(), NoTask()).network
    assert [any(p.requires_grad for p in one.parameters()) for one in judging.stages.values()] == [False, False, True]


def test_a_generator_draws_by_the_seed_in_the_networks_units():
    found = generator_of(build({"family": "conv4", "norm": "batch", "width": 8}), 5, 8)
    first, second, other = (found.draw(70, seed) for seed in (0, 0, 1))
    assert first.shape == (70, 1, 28, 28)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert first.abs().max() <= 1
    for wrong, said in (("timm/resnet18", "at most 64 pixels"), ("headstart/tabular", "draws pictures")):
        with pytest.raises(UserError, match=said):
            generator_of(_taking(wrong), 5, 8)


def _taking(spec):
    from headstart.data import TableColumns
    from headstart.networks import open_source

    columns = TableColumns(("a", "b"))
    return open_source(spec).build(pretrained=False, columns=columns)


def slow_kid(a, b):
    def k(x, y):
        return (float(x @ y) / len(x) + 1) ** 3

    n, m = len(a), len(b)
    first = sum(k(a[i], a[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    second = sum(k(b[i], b[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return first + second - 2 * sum(k(x, y) for x in a for y in b) / (n * m)


def test_kid_is_its_direct_sum_and_the_jackknife_leaves_each_out():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(7, 3)), rng.normal(0.5, 1, size=(6, 3))
    found = kid(a, b)
    assert found.value == pytest.approx(slow_kid(a, b))
    assert found.reals[2] == pytest.approx(slow_kid(np.delete(a, 2, axis=0), b))
    assert found.drawn[4] == pytest.approx(slow_kid(a, np.delete(b, 4, axis=0)))
    low, high = found.interval
    assert low < found.value < high


def test_intervals_hold_what_is_true_about_as_often_as_they_say():
    held = wins = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        real, same, far = rng.normal(size=(60, 4)), rng.normal(size=(80, 4)), rng.normal(1.0, 1, size=(80, 4))
        low, high = kid(real, same).interval
        held += low <= 0 <= high
        value, low, high = gain(kid(real, far), kid(real, same))
        wins += low > 0
        assert low < value < high
    assert held >= 33
    assert wins >= 38


def test_copies_are_told_from_fresh_samples():
    rng = np.random.default_rng(0)
    learned, fresh, drawn = rng.normal(size=(50, 6)), rng.normal(size=(40, 6)), rng.normal(size=(60, 6))
    honest = copies(drawn, learned, fresh)
    assert not honest.found
    assert 0.35 < honest.share < 0.65
    cheat = copies(learned[rng.integers(50, size=60)] + 0.05 * rng.normal(size=(60, 6)), learned, fresh)
    assert cheat.found
    assert cheat.share > 0.95
