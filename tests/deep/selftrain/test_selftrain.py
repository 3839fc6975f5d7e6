"""Self-training on an unlabelled target: laws, closed forms, and what it finds that the source alone does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from turned import SOURCE, accuracy, blobs, domain, joined, source_network, trained

from headstart import catalogue
from headstart.catalogue.selftrain import SELFTRAIN
from headstart.checks import check_method, check_zero
from headstart.checks.contract import check_parts, check_resumed, check_roles
from headstart.checks.trial import create_trial
from headstart.deep.method import Method
from headstart.deep.roles import learn_given
from headstart.deep.selftrain.mean_teacher import MeanTeacher
from headstart.deep.selftrain.mme import MME
from headstart.deep.selftrain.source_and_target import SourceAndTarget
from headstart.deep.unseen.erm import ERM
from headstart.engine import JoinedStream
from headstart.errors import UserError
from headstart.functional.confusion import believe, class_confusion, entropy, nuclear_norm
from headstart.kinds import KINDS

SURE = {name: {"threshold": 0.4} for name in ("pseudo_labels", "fixmatch")}
"""So that the trial's unsure answers count."""
ZERO = {"mean_teacher": {"strength": 0.0, "decay": 0.0}}
LOGITS = torch.randn(9, 4, generator=torch.Generator().manual_seed(0)) * 2


def source_alone(like: Method) -> ERM:
    """Return training on the source alone, shown the stream that another method is shown."""
    method = ERM()
    vars(method).update(n_views=like.n_views, needs=like.needs)
    return method


@pytest.mark.parametrize("name", [entry.name for entry in SELFTRAIN])
def test_laws_and_the_source_alone_at_strength_zero(name):
    check_method(lambda: catalogue.create(name, None, SURE.get(name)), turn=len(name))
    zeroed = catalogue.create(name, None, ZERO.get(name, {"strength": 0.0}))
    plain = SourceAndTarget() if name == "mme" else source_alone(zeroed)
    check_zero(lambda: zeroed, lambda: plain)


def test_class_confusion_is_its_definition():
    logits = LOGITS.double().numpy() / 2.5
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    weight = 1 + np.exp((p * np.log(p)).sum(axis=1))
    weight = len(p) * weight / weight.sum()
    confusion = np.array([[sum(weight * p[:, c] * p[:, d]) for d in range(4)] for c in range(4)])
    confusion /= confusion.sum(axis=1, keepdims=True)
    wanted = sum(confusion[c, d] for c in range(4) for d in range(4) if c != d) / 4
    assert float(class_confusion(LOGITS.double(), 2.5)) == pytest.approx(wanted, rel=1e-9)
    assert float(class_confusion(50 * torch.eye(4))) == pytest.approx(0, abs=1e-6)
    assert float(class_confusion(torch.zeros(8, 4))) == pytest.approx(3 / 4)


def test_the_certainty_of_a_sample_weighs_it_and_passes_no_gradient():
    leaf = LOGITS.double().requires_grad_()
    class_confusion(leaf, 2.0).backward()
    p = (leaf.detach() / 2).softmax(dim=1)
    weight = 1 + (-entropy(leaf.detach() / 2)).exp()
    held = (len(p) * weight / weight.sum())[:, None]
    other = leaf.detach().requires_grad_()
    q = (other / 2).softmax(dim=1)
    confusion = (q * held).T @ q
    (1 - (confusion / confusion.sum(dim=1, keepdim=True)).trace() / 4).backward()
    assert torch.allclose(leaf.grad, other.grad, atol=1e-10)


def test_nuclear_norm_is_the_sum_of_singular_values_and_bounded_by_certain_and_diverse_answers():
    p = LOGITS.softmax(dim=1)
    assert float(nuclear_norm(p)) == pytest.approx(np.linalg.norm(p.numpy(), "nuc"), rel=1e-5)
    diverse, collapsed = torch.eye(4).repeat(3, 1), torch.eye(4)[:1].repeat(12, 1)
    assert float(nuclear_norm(diverse)) == pytest.approx(48**0.5, rel=1e-5)
    assert float(nuclear_norm(collapsed)) == pytest.approx(12**0.5, rel=1e-5)


def test_entropy_and_belief_are_their_definitions():
    p = LOGITS.double().softmax(dim=1).numpy()
    assert np.allclose(entropy(LOGITS.double()).numpy(), -(p * np.log(p)).sum(axis=1))
    assert float(entropy(torch.tensor([[1e4, 0.0]]))) == 0
    sure = p.max(axis=1) >= 0.6
    assert 0 < sure.sum() < len(p)
    wanted = -np.log(p.max(axis=1))[sure].sum() / len(p)
    assert float(believe(LOGITS.double(), LOGITS.double(), 0.6)) == pytest.approx(wanted)
    assert float(believe(LOGITS, LOGITS, 1.1)) == 0


@pytest.mark.parametrize("name", ["entropy_minimisation", "mcc", "bnm", "pseudo_labels"])
def test_the_turned_target_is_found(name):
    alone, adapted = source_network(), trained(catalogue.create(name), joined())
    assert accuracy(alone) < 0.8
    assert accuracy(adapted) > 0.9
    assert accuracy(adapted, *SOURCE) > 0.95


def test_a_certain_answer_holds_for_a_harder_view():
    found = trained(catalogue.create("fixmatch", None, {"threshold": 0.8}), joined(shown=2, turned=0.4), steps=80)
    assert accuracy(found) > 0.95


def test_few_labels_of_the_target_help_and_the_minimax_game_more():
    x, y = blobs(60, 2, angle=0.95)
    few = np.where(np.arange(60) < 3, y, -1)
    found = {}
    for method in (ERM(), SourceAndTarget(), MME(strength=0.3)):
        stream = JoinedStream(domain(x, few), domain(*SOURCE), batch_size=30, seed=0)
        found[type(method).__name__] = accuracy(trained(method, stream, steps=80), x, y)
    assert found["ERM"] < 0.6
    assert found["SourceAndTarget"] > found["ERM"] + 0.2
    assert found["MME"] > 0.9 > found["SourceAndTarget"]


def test_the_two_players_of_minimax_entropy_pull_apart():
    trial = create_trial()
    batch = trial.stream(MME()).batch(0)
    slopes = []
    for strength in (0.0, 0.2):
        nets = MME(strength=strength).build(trial.network(), trial.logic).eval()
        MME().backward(MME(strength=strength).loss(nets, batch, 0.5), nets)
        slopes.append([nets.network.head.weight.grad, nets.network.stages["block3"].outer.weight.grad])
    nets = MME().build(trial.network(), trial.logic).eval()
    entropy(nets.network(batch.target.x)).mean().backward()
    wanted = [nets.network.head.weight.grad, nets.network.stages["block3"].outer.weight.grad]
    for sign, without, given, slope in zip((-1, 1), *slopes, wanted, strict=True):
        assert torch.allclose(given - without, sign * 0.2 * slope, atol=1e-6)


def test_given_labels_count_alone_and_a_batch_without_any_adds_nothing():
    trial = create_trial()
    nets = SourceAndTarget().build(trial.network(), trial.logic).eval()
    batch = trial.stream(SourceAndTarget()).batch(0)
    outputs, given = nets.network(batch.target.x), batch.target.known
    assert 0 < given.sum() < len(given)
    wanted = torch.nn.functional.cross_entropy(outputs[given], batch.target.y[given])
    assert torch.equal(learn_given(nets, batch, outputs), wanted)
    none = batch._replace(target=batch.target._replace(y=torch.full_like(batch.target.y, -1)))
    loss = learn_given(nets, none, outputs)
    assert loss == 0
    assert loss.requires_grad


@pytest.mark.parametrize("entry", SELFTRAIN, ids=lambda entry: entry.name)
def test_the_catalogue_says_what_the_class_says(entry):
    method = entry.load()()
    assert set(entry.needs) == method.needs
    assert method.kinds is None or all((kind in entry.applies) == (kind in method.kinds) for kind in KINDS)
    trial = create_trial()
    carrying = catalogue.create(f"{entry.name}+l2sp")
    nets = carrying.build(trial.network(), trial.logic)
    assert "l2sp" in carrying.loss(nets, trial.stream(carrying).batch(0), 0.5)


def test_a_teacher_that_sees_other_views_finds_the_turned_target():
    teacher = trained(MeanTeacher(decay=0.9), joined(shown=2, turned=0.4), source_network(), steps=80)
    assert accuracy(source_network()) < 0.8
    assert accuracy(teacher) > 0.9


def test_a_mean_teacher_of_few_labels_and_of_one_view():
    check_roles(MeanTeacher(labels="target"), create_trial())
    check_parts(MeanTeacher(labels="target"), create_trial())
    check_resumed(lambda: MeanTeacher(n_views=1), create_trial())
    with pytest.raises(UserError, match="MeanTeacher needs 2 views of each sample in a batch, but is shown 1"):
        trained(MeanTeacher(), joined(), steps=1)
    with pytest.raises(UserError, match="MeanTeacher needs labels of some target samples"):
        trained(MeanTeacher(labels="target"), joined(shown=2), steps=1)
