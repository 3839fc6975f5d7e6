"""Methods of few-shot episodes: the laws, and what each paper states, on tiny cases."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from headstart import catalogue
from headstart.catalogue.meta import META
from headstart.checks import check_method, create_trial
from headstart.checks.writing import check_docstring
from headstart.data.batches import Batch, Episode, Samples
from headstart.deep.episodic import class_means, cosines, square_distances
from headstart.deep.inner import Learner, adapted, answered, support_loss, weights_of
from headstart.networks import Network

NAMES = [entry.name for entry in META]


@pytest.fixture(autouse=True)
def one_thread():
    torch.manual_seed(0)


def episode(ways: int = 2, shots: int = 2, queries: int = 3) -> Episode:
    """An episode of the trial's table: five numbers a row, classes apart by their mean."""

    def part(n: int) -> Samples:
        y = torch.arange(ways).repeat(n)
        numbers = torch.randn(n * ways, 5) + 2 * y[:, None]
        n_rows = len(y)
        x = {
            "numeric": numbers,
            "missing": torch.zeros(n_rows, 5),
            "categorical": torch.zeros(n_rows, 0, dtype=torch.int64),
        }
        return Samples(x, y)

    return Episode(part(shots), part(queries), torch.arange(ways))


@pytest.mark.parametrize("name", NAMES)
def test_laws(name: str) -> None:
    check_method(lambda: catalogue.create(name), turn=len(name))
    check_docstring(catalogue.get(name).load())
    assert set(catalogue.get(name).needs) == catalogue.create(name).needs


@pytest.mark.parametrize("name", NAMES)
def test_answers_do_not_depend_on_the_other_queries_and_leave_the_nets_alone(name: str) -> None:
    method, trial = catalogue.create(name), create_trial()
    nets = method.build(trial.network(), trial.logic).eval()
    before = {key: value.clone() for key, value in nets.state_dict().items()}
    whole = episode()
    one = whole._replace(query=Samples({k: v[2:3] for k, v in whole.query.x.items()}, whole.query.y[2:3]))
    answers = method.answers(nets, whole)
    assert answers.shape == (6, 2)
    torch.testing.assert_close(method.answers(nets, one), answers[2:3], rtol=1e-4, atol=1e-5)
    assert all(torch.equal(before[key], value) for key, value in nets.state_dict().items())


def test_maths_of_episodes() -> None:
    features, y = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]]), torch.tensor([0, 0, 1])
    means = class_means(features, y, 3)
    assert means.tolist() == [[2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]
    assert square_distances(features, means).tolist() == [[1.0, 5.0, 1.0], [1.0, 13.0, 9.0], [8.0, 0.0, 4.0]]
    assert cosines(features, torch.tensor([[5.0, 0.0]])).ravel().tolist() == [1.0, 1.0, 0.0]


def test_a_prototype_is_the_mean_of_its_class() -> None:
    method, trial = catalogue.create("protonet"), create_trial()
    nets, drawn = method.build(trial.network(), trial.logic).eval(), episode()
    z, q = nets.network.features(drawn.support.x), nets.network.features(drawn.query.x)
    for k in range(2):
        expected = -(q - z[drawn.support.y == k].mean(dim=0)).square().sum(dim=1)
        torch.testing.assert_close(method.answers(nets, drawn)[:, k], expected, rtol=1e-4, atol=1e-4)


EXACT = ("maml", "anil", "meta_sgd", "r2d2", "protonet", "matchingnet", "relationnet")


def tiny(name: str):
    """A method's nets in float64 with an episode, on a small smooth network: no kink hides a difference."""
    method, trial = catalogue.create(name), create_trial()
    stages = {"one": nn.Sequential(nn.Linear(5, 6), nn.Tanh()), "two": nn.Sequential(nn.Linear(6, 4), nn.Tanh())}
    network = Network(stages, nn.Identity(), 4, trial.network().preprocess, {"family": "tiny"})
    network.head = nn.Linear(4, 3)
    nets = method.build(network, trial.logic).double().eval()
    drawn = episode()

    def wide(part: Samples) -> Samples:
        return part._replace(x=part.x["numeric"].double())

    return method, nets, Batch(episode=drawn._replace(support=wide(drawn.support), query=wide(drawn.query)))


def slopes_of(loss, weights):
    return torch.autograd.grad(loss, list(weights.values()), materialize_grads=True, allow_unused=True)


def learned(nets):
    return [p for name, p in nets.named_parameters() if p.requires_grad and not name.startswith("network.head")]


@pytest.mark.parametrize("name", EXACT)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    method, nets, batch = tiny(name)
    weights = learned(nets)
    slopes = torch.autograd.grad(method.loss(nets, batch, 0.5)["task"], weights, allow_unused=True)
    directions = [torch.randn_like(p) for p in weights]
    told = sum((g * d).sum() for g, d in zip(slopes, directions, strict=True) if g is not None)

    def moved(by: float) -> float:
        with torch.no_grad():
            for p, d in zip(weights, directions, strict=True):
                p.add_(d, alpha=by)
        value = method.loss(nets, batch, 0.5)["task"].item()
        with torch.no_grad():
            for p, d in zip(weights, directions, strict=True):
                p.sub_(d, alpha=by)
        return value

    step = 1e-5
    measured = (moved(step) - moved(-step)) / (2 * step)
    assert measured == pytest.approx(float(told), rel=1e-4, abs=1e-7)


def test_the_first_order_is_the_gradient_where_the_steps_end() -> None:
    method, nets, batch = tiny("fomaml")
    exact = catalogue.create("maml")
    learner = Learner(nets)
    start = weights_of(learner)
    first = slopes_of(method.loss(nets, batch, 0.5)["task"], start)
    whole = slopes_of(exact.loss(nets, batch, 0.5)["task"], start)
    end = adapted(support_loss(learner, batch.episode), start, method.rate, method.steps, exact=False)
    end = {name: weight.detach().requires_grad_() for name, weight in end.items()}
    loss = torch.nn.functional.cross_entropy(answered(learner, end, batch.episode), batch.episode.query.y)
    for one, there in zip(first, slopes_of(loss, end), strict=True):
        torch.testing.assert_close(one, there)
    assert max((a - b).abs().max() for a, b in zip(first, whole, strict=True)) > 1e-4


def test_reptile_goes_where_the_steps_lead() -> None:
    method, nets, batch = tiny("reptile")
    learner = Learner(nets)
    start = weights_of(learner)
    slopes = slopes_of(method.loss(nets, batch, 0.5)["task"], start)
    weights = {name: weight.detach().clone().requires_grad_() for name, weight in start.items()}
    y = torch.cat([batch.episode.support.y, batch.episode.query.y])
    x = torch.cat([batch.episode.support.x, batch.episode.query.x])
    for _ in range(method.steps):
        logits = torch.func.functional_call(learner, weights, (x,))[:, :2]
        found = slopes_of(torch.nn.functional.cross_entropy(logits, y), weights)
        weights = {
            name: (w - method.rate * g).detach().requires_grad_()
            for (name, w), g in zip(weights.items(), found, strict=True)
        }
    for slope, (name, weight) in zip(slopes, start.items(), strict=True):
        torch.testing.assert_close(slope, weight - weights[name])


def test_anil_moves_the_answer_alone_and_maml_the_features_too() -> None:
    for name, moves in (("anil", False), ("maml", True)):
        assert catalogue.create(name).moves is moves


def test_ridge_answers_are_those_of_its_equations() -> None:
    method, nets, batch = tiny("r2d2")
    with torch.no_grad():
        nets.solver.strength.fill_(0.3)
        s, q = (nets.network.features(part.x) for part in batch.episode[:2])
        onehot = torch.nn.functional.one_hot(batch.episode.support.y).double()
        primal = torch.linalg.solve(s.T @ s + torch.tensor(0.3).exp() * torch.eye(s.shape[1]), s.T @ onehot)
        torch.testing.assert_close(method.answers(nets, batch.episode), q @ primal, rtol=1e-4, atol=1e-6)


def test_matching_attends_to_the_nearest_by_angle() -> None:
    method, nets, batch = tiny("matchingnet")
    with torch.no_grad():
        s, q = (nets.network.features(part.x) for part in batch.episode[:2])
        weights = (10 * torch.nn.functional.cosine_similarity(q[:, None], s[None], dim=2)).exp()
        share = (
            torch.stack([weights[:, batch.episode.support.y == k].sum(1) for k in range(2)], 1)
            / weights.sum(1)[:, None]
        )
        torch.testing.assert_close(method.answers(nets, batch.episode).exp(), share, rtol=1e-4, atol=1e-6)
