"""Several labelled sources and a target that nobody has seen: laws, closed forms, and a colour that misleads."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn
from turned import COLUMNS, LOGIC, accuracy, domain, trained

from headstart import catalogue
from headstart.catalogue.unseen import UNSEEN
from headstart.checks import check_method, check_zero
from headstart.checks.states import weights
from headstart.checks.trial import create_trial
from headstart.data.batches import Batch, Samples
from headstart.deep.method import Nets
from headstart.deep.roles import by_domain
from headstart.deep.unseen.erm import ERM
from headstart.deep.unseen.group_dro import GroupDRO, raised
from headstart.deep.unseen.irm import tilt
from headstart.deep.unseen.mixstyle import MixStyle, partners
from headstart.deep.unseen.vrex import VREx
from headstart.deep.unseen.weight_averaging import WeightAveraging
from headstart.engine import Domain, JoinedStream, Selection
from headstart.functional.style import restyled
from headstart.kinds import KINDS
from headstart.networks.network import Network
from headstart.networks.unset_preprocess import UnsetPreprocess

ZERO = {
    "irm": {"strength": 0.0},
    "vrex": {"strength": 0.0},
    "group_dro": {"eta": 0.0},
    "mixstyle": {"probability": 0.0},
    "weight_averaging": {"start": 1.0},
}


def alike(other):
    """Return ERM that is shown as many domains."""
    method = ERM()
    vars(method)["needs"] = other.needs
    return method


@pytest.mark.parametrize("name", [entry.name for entry in UNSEEN])
def test_laws_and_empirical_risk_at_strength_zero(name):
    check_method(lambda: catalogue.create(name), turn=len(name))
    if name != "erm":
        zeroed = catalogue.create(name, None, ZERO[name])
        check_zero(lambda: zeroed, lambda: alike(zeroed))


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
def test_the_penalty_of_irm_is_the_squared_slope_by_finite_differences(kind):
    trial = create_trial(kind)
    width, y = 2 if kind == "regression" else 3, torch.as_tensor(trial.y)
    outputs = 2 * torch.randn(16, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    step = 0.01
    ends = [float(trial.logic.loss(factor * outputs, y)) for factor in (1 - step, 1 + step)]
    assert tilt(trial.logic, outputs, y).item() == pytest.approx(((ends[1] - ends[0]) / (2 * step)) ** 2, rel=5e-3)


def batch():
    x = torch.arange(6.0)[:, None]
    return Batch(source=Samples({"x": x}, torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([0, 1, 0, 1, 1, 2])))


def test_domains_are_told_apart():
    parts = by_domain(batch(), torch.arange(6.0)[:, None])
    assert {number: part[0][:, 0].tolist() for number, part in parts.items()} == {0: [0, 2], 1: [1, 3, 4], 2: [5]}
    assert parts[1][1].tolist() == [1, 0, 1]


class Answers(nn.Module):
    """Stands for a network whose logits are known."""

    head = nn.Identity()

    def read(self, x):
        logits = torch.cat([x["x"], -x["x"], x["x"] * 0], dim=1)
        return logits, logits


def risks():
    answered = Answers().read(batch().source.x)[0]
    return torch.stack([LOGIC.loss(*part) for part in by_domain(batch(), answered).values()])


def test_risk_extrapolation_is_the_variance_over_domains():
    losses = VREx(strength=2.0).loss(Nets(Answers(), LOGIC), batch(), 1.0)
    assert float(losses["variance"]) == pytest.approx(2 * np.var(risks().numpy()), rel=1e-5)
    assert "variance" not in VREx(strength=2.0, warmup=0.5).loss(Nets(Answers(), LOGIC), batch(), 0.4)


def test_group_dro_weighs_domains_by_their_exponentiated_losses():
    nets, method = Nets(Answers(), LOGIC), GroupDRO(eta=0.5)
    seen = []
    for _ in range(3):
        method.step(nets, batch(), 0.0, lambda closure: seen.append(float(closure(batch())["task"])))
    weights = [torch.softmax(0.5 * n * risks(), dim=0) for n in range(3)]
    assert seen == pytest.approx([float((q * risks()).sum()) for q in weights], rel=1e-5)
    assert seen[0] < seen[1] < seen[2]


def test_the_scores_of_domains_that_a_batch_lacks_stay():
    scores = raised(torch.tensor([1.0, 2.0]), {2: torch.tensor(3.0), 0: torch.tensor(1.0)}, 0.5)
    assert scores.tolist() == [1.5, 2.0, 1.5]


def coloured(agreeing: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of two classes: a shape that is right in 3 of 4, and a colour that is in ``agreeing`` of 10."""
    pairs = np.arange(160) // 2
    y = np.arange(160) % 2
    shape = np.where(pairs % 4 == 0, 1 - y, y)
    colour = np.where(pairs // 4 % 10 >= agreeing, 1 - y, y)
    x = 0.1 * np.random.default_rng(seed).normal(size=(160, COLUMNS))
    x[:, 0] += 2 * shape - 1
    x[:, 1] += 2 * colour - 1
    return x.astype(np.float32), y


@cache
def on_another_colour(name: str) -> float:
    """Return the accuracy where the colour agrees with the class in one of ten rows."""
    stream = JoinedStream(None, [domain(*coloured(9, 0)), domain(*coloured(7, 1))], batch_size=160, seed=0)
    options = {"eta": 1.0} if name == "group_dro" else {}
    return accuracy(trained(catalogue.create(name, None, options), stream, rate=1e-2), *coloured(1, 2))


@pytest.mark.parametrize("name", ["irm", "vrex", "group_dro"])
def test_a_colour_that_misleads_is_left_aside(name):
    assert on_another_colour("erm") < 0.3
    assert on_another_colour(name) > 0.55


def pictures(agreeing: int, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """Return pictures of two classes: the lit side is right in 3 of 4, the light as a whole in ``agreeing`` of 10."""
    x, y = coloured(agreeing, seed)
    side, light = x[:, 0] > 0, x[:, 1] > 0
    lit = np.where(side[:, None, None], np.arange(6) < 3, np.arange(6) >= 3).repeat(6, axis=1)
    rows = lit + 2.0 * light[:, None, None] - 1.5 + 0.1 * np.random.default_rng(seed).normal(size=(160, 6, 6))
    return torch.from_numpy(rows[:, None].astype(np.float32)), y


def convolutions() -> Network:
    torch.manual_seed(0)
    first, second = (nn.Sequential(nn.Conv2d(n, 8, 3), nn.ReLU()) for n in (1, 8))
    network = Network(
        {"first": first, "second": second}, nn.Flatten(), 32, UnsetPreprocess("image"), {"family": "mine"}
    )
    network.head = LOGIC.head_of(network)
    return network


def test_mixed_styles_leave_the_light_of_a_picture_aside():
    found = {}
    for method in (ERM(), MixStyle()):
        sources = [Domain(lambda rows, view, x=x: x[rows], y) for x, y in (pictures(9, 0), pictures(7, 1))]
        network = trained(method, JoinedStream(None, sources, batch_size=80, seed=0), convolutions(), rate=1e-2)
        x, y = pictures(1, 2)
        found[type(method).__name__] = float((network(x).argmax(dim=1).numpy() == y).mean())
    assert found["ERM"] < 0.3
    assert found["MixStyle"] > 0.6


@pytest.mark.parametrize(("shape", "axes"), [((4, 9), 1), ((4, 7, 3), 1), ((4, 3, 5, 5), (2, 3))])
def test_a_mixed_style_is_the_weighed_mean_of_two(shape, axes):
    z, partner, share = torch.randn(shape), torch.tensor([2, 3, 0, 1]), torch.tensor([1.0, 0.0, 0.25, 0.5])
    out = restyled(z, partner, share)
    weight = share.view(-1, *[1] * (len(shape) - 1))
    for statistic in (torch.mean, lambda a, dim, keepdim: a.std(dim, keepdim=keepdim, correction=0)):
        own, mixed = statistic(z, dim=axes, keepdim=True), statistic(out, dim=axes, keepdim=True)
        assert torch.allclose(mixed, weight * own + (1 - weight) * own[partner], atol=1e-4)
    assert torch.allclose(out[0], z[0], atol=1e-5)


def test_padded_tokens_have_no_style():
    z, mask = torch.randn(2, 5, 3), torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    other = torch.where(mask[:, :, None] > 0, z, 100.0)
    first, second = (restyled(one, torch.tensor([1, 0]), torch.zeros(2), mask) for one in (z, other))
    assert torch.allclose(first[1], second[1], atol=1e-4)
    assert torch.allclose(first[0, :3], second[0, :3], atol=1e-4)


def test_partners_are_of_another_domain_where_there_is_one():
    torch.manual_seed(0)
    domain = torch.tensor([0, 1, 2, 0, 1, 2, 0, 0])
    assert (domain[partners(domain)] != domain).all()
    assert partners(torch.zeros(3, dtype=torch.int64)).tolist() == [0, 1, 2]


def test_the_average_is_the_mean_of_the_weights_along_the_way():
    trial, along = create_trial(), []
    keep = Selection(
        lambda network: along.append(weights(network)) or {"loss": 0.0, "score": 0.0}, every=1, keep_best=False
    )
    trial.train(ERM(), steps=5, batch_size=5, selection=keep)
    averaged = weights(trial.train(WeightAveraging(start=0.4), steps=5, batch_size=5).network)
    for name in ("head.weight", "stages.block1.inner.weight"):
        assert torch.allclose(averaged[name], torch.stack([one[name] for one in along[2:]]).mean(dim=0), atol=1e-6)


@pytest.mark.parametrize("entry", UNSEEN, ids=lambda entry: entry.name)
def test_the_catalogue_says_what_the_class_says(entry):
    method = entry.load()()
    assert set(entry.needs) == method.needs
    assert method.kinds is None
    assert all(kind in entry.applies for kind, space in KINDS.items() if space.solved_as)
    trial = create_trial()
    carrying = catalogue.create(f"{entry.name}+l2sp")
    nets = carrying.build(trial.network(), trial.logic)
    assert {"task", "l2sp"} <= set(carrying.loss(nets, trial.stream(carrying).batch(0), 0.5))
