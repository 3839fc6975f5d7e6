"""The mean of frozen and fine-tuned answers: one network, with temperatures from rows that were not learned from."""

import math

import pytest
import torch

from headstart.checks.trial import create_trial
from headstart.deep.finetune.calibrated_ensemble import CalibratedEnsemble
from headstart.errors import UserError
from headstart.networks import build, load_network, save_network
from headstart.networks.glyphs import glyphs_spec
from headstart.networks.twin import twin_of


@pytest.fixture(scope="module")
def trial():
    return create_trial()


@pytest.fixture(scope="module")
def nets(trial):
    return trial.train(CalibratedEnsemble(depth=1)).nets


def test_the_kept_network_answers_the_mean_of_both(nets, trial, tmp_path):
    x = trial.batch().target.x
    frozen, tuned = (net.eval()(x) for net in (nets.start, nets.network))
    assert not torch.allclose(frozen, tuned)
    method = CalibratedEnsemble(depth=1, share=0.25, frozen_steepness=2.0, tuned_steepness=0.5)
    kept = method.finish(nets).eval()
    wanted = 0.75 * 2.0 * frozen + 0.25 * 0.5 * tuned
    assert torch.allclose(kept(x), wanted, atol=1e-5)
    save_network(kept, trial.logic, tmp_path)
    loaded, _ = load_network(tmp_path)
    assert torch.equal(loaded(x), kept(x))
    # Cached states of the shared stages enter it as they enter each of the two.
    kept.entry = kept.frozen
    assert kept.frozen == len(kept.stages) - 1
    assert torch.allclose(kept(kept.run(x, 0, kept.frozen)), wanted, atol=1e-5)


def test_each_steepness_is_that_of_the_least_loss_of_its_own_answers(nets, trial):
    x = trial.batch().target.x
    alone = {"frozen": nets.start.eval()(x).detach(), "tuned": nets.network.eval()(x).detach()}

    def score(network):
        found = network.eval()(x).detach()
        which = min(alone, key=lambda name: float((found / found.norm() - alone[name] / alone[name].norm()).norm()))
        steepness = float(found.norm() / alone[which].norm())
        return -steepness, -abs(math.log(steepness / {"frozen": 2.0, "tuned": 0.5}[which]))

    assert CalibratedEnsemble(depth=1).chosen(nets, score) == {"frozen_steepness": 2.0, "tuned_steepness": 0.5}
    values = create_trial("regression")
    method = CalibratedEnsemble()
    assert method.chosen(method.build(values.network(), values.logic), score) == {}


def test_one_that_goes_on_stays_one_of_two(nets, trial):
    method = CalibratedEnsemble(depth=1)
    both = method.finish(nets)
    again = method.build(both, trial.logic)
    assert method.finish(again) is both
    assert method.chosen(again, lambda network: (0.0, 0.0)) == {}


def test_pictures_pass_both_halves_through_any_pooling():
    torch.manual_seed(0)
    one, other = (build(glyphs_spec()) for _ in range(2))
    for name in ("stem", "block1"):
        other.stages[name].load_state_dict(one.stages[name].state_dict())
    x = torch.randn(2, 1, 32, 32)
    both = twin_of(one, 2, other)
    assert torch.allclose(both.features(x), torch.cat([one.features(x), other.features(x)], dim=1), atol=1e-5)
    assert list(build(both.spec).state_dict()) == list(both.state_dict())
    with pytest.raises(UserError, match="has no twin from stage 6 on"):
        build(both.spec | {"twin": 5})


def test_tapped_stages_are_refused_in_a_sentence(trial):
    network = trial.network()
    network.tap(network.stage_names[-1:], network.n_features)
    with pytest.raises(UserError, match="calibrated_ensemble takes no network of clips or of tapped stages"):
        CalibratedEnsemble().build(network, trial.logic)
