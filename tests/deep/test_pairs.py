"""Methods of pairs: the laws, and what their papers state on cases small enough to count."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from headstart import catalogue
from headstart.catalogue.pairs import PAIRS
from headstart.checks import create_trial
from headstart.checks.contract import check_contract
from headstart.checks.methods import check_gradients, check_parameters, check_saved
from headstart.checks.writing import check_writing
from headstart.data.batches import Batch, Samples
from headstart.deep.two_sides import STEEPEST, Steepness
from headstart.engine import Domain, PairStream
from headstart.functional.contrast import paired_contrast
from headstart.networks.projection import project


@pytest.mark.parametrize("entry", PAIRS, ids=lambda entry: entry.name)
def test_laws(entry):
    def factory():
        return catalogue.create(entry.name)

    trial = create_trial()
    check_writing(type(factory()))
    check_parameters(factory())
    check_gradients(factory(), trial)
    check_saved(factory(), trial)
    assert set(entry.needs) == factory().needs


@pytest.mark.slow
@pytest.mark.parametrize("entry", PAIRS, ids=lambda entry: entry.name)
def test_contract(entry):
    check_contract(lambda: catalogue.create(entry.name), create_trial())


def test_the_contrast_is_the_mean_of_both_ways_over_partners():
    a, b = torch.randn(2, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    kinds = [0, 1, 1, 2]
    cosines = torch.nn.functional.normalize(a, dim=1) @ torch.nn.functional.normalize(b, dim=1).T

    def one_way(s):
        total = 0.0
        for i in range(4):
            partners = [j for j in range(4) if kinds[j] == kinds[i]]
            total -= sum(math.log(math.exp(s[i, j]) / sum(math.exp(v) for v in s[i])) for j in partners) / len(partners)
        return total / 4

    wanted = (one_way(5 * cosines) + one_way(5 * cosines.T)) / 2
    assert float(paired_contrast(a, b, 5.0, (torch.tensor(kinds), None))) == pytest.approx(wanted)
    assert float(paired_contrast(a, b, 5.0, (None, torch.tensor(kinds)))) == pytest.approx(wanted)
    plain = torch.nn.functional.cross_entropy(5 * cosines, torch.arange(4))
    other = torch.nn.functional.cross_entropy(5 * cosines.T, torch.arange(4))
    assert float(paired_contrast(a, b, 5.0)) == pytest.approx(float(plain + other) / 2)


def test_the_steepness_is_learned_and_bounded():
    steepness = Steepness(0.07)
    assert float(steepness().detach()) == pytest.approx(1 / 0.07)
    with torch.no_grad():
        steepness.log.fill_(20.0)
    assert float(steepness().detach()) == STEEPEST


def test_a_student_that_says_the_same_has_no_loss_and_the_teacher_stands_still():
    trial = create_trial()
    method = catalogue.create("crossmodal")
    nets = method.build(trial.network(), trial.logic).eval()
    x = trial.batch().target.x
    same = method.loss(nets, Batch(Samples(x), Samples(x)), 0.0)["distilled"]
    assert float(same.detach()) == pytest.approx(0, abs=1e-6)
    assert not any(p.requires_grad for p in nets.teacher.parameters())
    moved = {**x, "numeric": x["numeric"] + 1}
    assert float(method.loss(nets, Batch(Samples(moved), Samples(x)), 0.0)["distilled"].detach()) > 1e-3


def test_both_sides_of_a_batch_are_the_same_pairs():
    def side(offset):
        return Domain(lambda rows, view: torch.from_numpy(rows + offset), np.arange(7) % 3, n=7)

    stream = PairStream(side(0), side(100), batch_size=3, seed=1)
    seen = []
    for step in range(7):
        whole = stream.batch(step)
        assert (whole.source.x - whole.target.x == 100).all()
        seen += whole.target.x.tolist()
        assert torch.equal(stream.part(step, 1, 3).target.x, whole.target.x[1:])
    assert sorted(seen[:7]) == list(range(7))
    assert stream.steps_per_epoch == 3
    with pytest.raises(ValueError, match="two sides"):
        PairStream(side(0), Domain(lambda rows, view: rows, n=5), batch_size=3, seed=1)


def test_a_projection_is_a_stage_whose_output_is_the_features():
    network = create_trial().network()
    x, width = create_trial().batch().target.x, network.n_features
    with torch.no_grad():
        before = network.eval().features(x)
        after = project(network, 6).eval().features(x)
    assert torch.allclose(after, before @ network.stages["project"].map.weight.T, atol=1e-6)
    assert (network.n_features, network.spec["projected"], before.shape[1]) == (6, 6, width)
