"""Self-training on an unlabelled target: laws, closed forms, and what it finds that the source alone does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from turned import SOURCE, accuracy, joined, source_network, trained

from headstart import catalogue
from headstart.catalogue.selftrain import SELFTRAIN
from headstart.checks import check_method, check_zero
from headstart.checks.contract import check_parts, check_resumed, check_roles
from headstart.checks.trial import create_trial
from headstart.deep.selftrain.mean_teacher import MeanTeacher
from headstart.deep.unseen.erm import ERM
from headstart.errors import UserError
from headstart.functional.confusion import believe, class_confusion, entropy, nuclear_norm

SURE = {"pseudo_labels": {"threshold": 0.4}}
"""So that the trial's unsure answers count."""
ZERO = {"mean_teacher": {"strength": 0.0, "decay": 0.0}}
LOGITS = torch.randn(9, 4, generator=torch.Generator().manual_seed(0)) * 2


def source_alone(views: int) -> ERM:
    """Return training on the source alone, shown as many views."""
    method = ERM()
    vars(method)["n_views"] = views
    return method


@pytest.mark.parametrize("name", [entry.name for entry in SELFTRAIN])
def test_laws_and_the_source_alone_at_strength_zero(name):
    check_method(lambda: catalogue.create(name, None, SURE.get(name)))
    zeroed = catalogue.create(name, None, ZERO.get(name, {"strength": 0.0}))
    check_zero(lambda: zeroed, lambda: source_alone(zeroed.n_views))


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
