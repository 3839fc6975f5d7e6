"""Distillation: its loss, its teacher and its student."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from headstart.checks import create_trial
from headstart.deep.finetune.distill import Distill
from headstart.problem import Task
from headstart.tasks import create_task


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
def test_imitation_is_zero_for_equal_outputs_and_positive_otherwise(kind: str) -> None:
    outputs, logic = torch.randn(5, 3), create_task(Task(kind))
    assert logic.imitation(outputs, outputs, 2.0).item() == pytest.approx(0.0, abs=1e-6)
    assert logic.imitation(outputs + torch.randn(5, 3), outputs, 2.0).item() > 0


def test_imitation_is_the_tempered_divergence() -> None:
    student, teacher = torch.randn(5, 3), torch.randn(5, 3)
    p, q = (teacher / 3).softmax(1), (student / 3).softmax(1)
    expected = 9 * (p * (p.log() - q.log())).sum(1).mean()
    torch.testing.assert_close(create_task(Task("classification")).imitation(student, teacher, 3.0), expected)
    p, q = (teacher / 3).sigmoid(), (student / 3).sigmoid()
    both = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
    found = create_task(Task("multilabel")).imitation(student, teacher, 3.0)
    torch.testing.assert_close(found, 9 * both.mean(), rtol=1e-4, atol=1e-6)


def test_the_teacher_is_the_source_with_its_head_and_the_student_starts_anew() -> None:
    trial = create_trial()
    source = trial.network().eval()
    nets = Distill().build(trial.network(), trial.logic).train()
    with torch.no_grad():
        assert torch.equal(nets.teacher(trial.x), source(trial.x))
    assert not any(p.requires_grad for p in nets.teacher.parameters())
    assert all(p.requires_grad for p in nets.network.parameters())
    assert not torch.equal(
        nets.network.state_dict()["stages.block1.inner.weight"], source.state_dict()["stages.block1.inner.weight"]
    )
    assert not nets.network.head.weight.any()


def test_a_student_from_the_source_agrees_with_its_teacher() -> None:
    trial = create_trial()
    nets = Distill(start="source", features=1.0).build(trial.network(), trial.logic).eval()
    losses = Distill(start="source", features=1.0).loss(nets, trial.batch(), 0.0)
    assert losses["teacher"].item() == pytest.approx(0.0, abs=1e-6)
    assert losses["features"].item() > 0


def test_a_student_of_another_architecture() -> None:
    trial = create_trial()
    spec = trial.network().spec | {"width": 4, "blocks": 1}
    trained = trial.train(Distill(student=spec, features=0.1))
    assert trained.network.n_features == 4
    assert trained.network.head.out_features == 3
    assert trained.network.preprocess.to_json() == trial.network().preprocess.to_json()


def test_the_student_learns_the_teachers_outputs_without_labels() -> None:
    trial = create_trial()
    teacher = trial.network().eval()
    trained = trial.train(Distill(weight=1.0, temperature=1.0), steps=150, batch_size=16).network.eval()
    with torch.no_grad():
        target = teacher(trial.x).softmax(1)
        gap = F.kl_div(trained(trial.x).log_softmax(1), target, reduction="batchmean")
        blind = F.kl_div(torch.zeros(16, 3).log_softmax(1), target, reduction="batchmean")
    assert gap < 0.3 * blind
