"""Several labelled sources and a target that nobody has seen: laws, closed forms, and a colour that misleads."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from turned import COLUMNS, LOGIC, accuracy, domain, trained

from headstart import catalogue
from headstart.catalogue.unseen import UNSEEN
from headstart.checks import check_method, check_zero
from headstart.checks.trial import create_trial
from headstart.data.batches import Batch, Samples
from headstart.deep.method import Nets
from headstart.deep.roles import by_domain
from headstart.deep.unseen.erm import ERM
from headstart.deep.unseen.group_dro import GroupDRO, raised
from headstart.deep.unseen.irm import tilt
from headstart.deep.unseen.vrex import VREx
from headstart.engine import JoinedStream

ZERO = {"irm": {"strength": 0.0}, "vrex": {"strength": 0.0}, "group_dro": {"eta": 0.0}}


def several():
    """Return ERM that is shown several domains, as the others are."""
    method = ERM()
    vars(method)["needs"] = frozenset({"source_labels", "domains"})
    return method


@pytest.mark.parametrize("name", [entry.name for entry in UNSEEN])
def test_laws_and_empirical_risk_at_strength_zero(name):
    check_method(lambda: catalogue.create(name))
    if name != "erm":
        check_zero(lambda: catalogue.create(name, None, ZERO[name]), several)


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


class Answers(torch.nn.Module):
    """Stands for a network whose logits are known."""

    head = torch.nn.Identity()

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
