"""Methods of few-shot episodes: the laws, and what each paper states, on tiny cases."""

from __future__ import annotations

import pytest
import torch

from headstart import catalogue
from headstart.catalogue.meta import META
from headstart.checks import check_method, create_trial
from headstart.checks.writing import check_docstring
from headstart.data.batches import Episode, Samples
from headstart.deep.episodic import class_means, cosines, square_distances

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
    check_method(lambda: catalogue.create(name))
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
