"""Partial and open sets: laws, the weights and parts that the papers state, and that they win where others err."""

from __future__ import annotations

import inspect
from dataclasses import fields

import numpy as np
import pytest
import torch
from scipy.ndimage import rotate
from sklearn.datasets import load_digits

from headstart import catalogue
from headstart.catalogue.label_sets import LABEL_SETS
from headstart.checks import check_method, check_zero, create_trial
from headstart.checks.domains import check_survives
from headstart.choice import choose
from headstart.choice.joint import plan
from headstart.choice.joint.face import JointClassifier
from headstart.deep.label_sets.partial_mcc import PartialMCC
from headstart.deep.label_sets.separate import Separate
from headstart.deep.unseen.erm import ERM
from headstart.functional.confusion import class_confusion
from headstart.functional.separation import upper_part
from headstart.shallow.joining import join
from headstart.shallow.label_sets.unknown import with_unknown

TRAINED = [entry for entry in LABEL_SETS if entry.kind == "joint"]
NAMES = [entry.name for entry in TRAINED]


@pytest.mark.parametrize("entry", TRAINED, ids=NAMES)
def test_laws(entry):
    check_method(lambda: catalogue.create(entry.name, None, {"first": 0.1}))
    check_zero(lambda: catalogue.create(entry.name, None, {"strength": 0.0}), ERM)
    written = inspect.getsource(inspect.getmodule(entry.load())).splitlines()
    assert sum(1 for line in written if line) <= 80
    assert set(entry.needs) == entry.load().needs
    assert {"strength", "first", "depth", "body_rate", "penalties"} <= {field.name for field in fields(entry.load())}


@pytest.mark.parametrize("name", NAMES)
def test_at_first_the_source_is_learned_alone_and_penalties_are_carried(name):
    trial = create_trial()
    method = catalogue.create(f"{name}+l2sp", None, {"first": 0.5})
    nets = method.build(trial.network(), trial.logic)
    stream = trial.stream(method)
    nets.memory = method.survey(nets, lambda role: stream.every(role, 8))
    early, late = (method.loss(nets, stream.batch(0), progress) for progress in (0.49, 0.5))
    assert list(early) == ["task", "l2sp"]
    assert set(late) > {"task", "l2sp"}
    alone = ERM().build(trial.network(), trial.logic)
    assert torch.equal(early["task"], ERM().loss(alone, stream.batch(0), 0.49)["task"])


def test_the_weights_are_an_average_of_the_targets_answers_and_weigh_source_and_confusion():
    trial = create_trial()
    method = PartialMCC(decay=0.75, first=0.0)
    nets = method.build(trial.network(), trial.logic).eval()
    stream = trial.stream(method)
    answers = torch.cat([nets.network(part.x) for part in stream.every("target", 8)]).softmax(dim=1).mean(dim=0)
    nets.memory = method.survey(nets, lambda role: stream.every(role, 8))
    assert torch.allclose(nets.memory["weights"], 0.75 + 0.25 * 3 * answers, atol=1e-5)
    nets.memory = method.survey(nets, lambda role: stream.every(role, 8))
    weights = nets.memory["weights"]
    assert torch.allclose(weights, 0.75**2 + (1 - 0.75**2) * 3 * answers, atol=1e-5)
    batch = stream.batch(0)
    losses = method.loss(nets, batch, 0.5)
    each = torch.nn.functional.cross_entropy(nets.network(batch.source.x), batch.source.y, reduction="none")
    assert losses["task"].item() == pytest.approx((weights[batch.source.y] * each).mean().item(), rel=1e-4)
    confusion = class_confusion(nets.network(batch.target.x), 2.5, weights)
    assert losses["confusion"].item() == pytest.approx(confusion.item(), rel=1e-4)


def test_the_confusion_of_a_class_of_weight_0_does_not_count():
    logits = torch.tensor([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0], [0.0, 3.9, 4.0]])
    same = class_confusion(logits, 1.0, torch.full((3,), 2.0))
    assert same.item() == pytest.approx(class_confusion(logits).item(), abs=1e-6)
    assert class_confusion(logits, 1.0, torch.tensor([1.0, 0.0, 0.0])) < 0.5 * same


def test_the_upper_of_two_parts_is_found_and_numbers_that_do_not_vary_belong_to_both():
    rng = np.random.default_rng(0)
    numbers = torch.from_numpy(np.concatenate([rng.normal(0, 1, 300), rng.normal(8, 1, 100)]))
    p = upper_part(numbers)
    assert (p[:300] < 0.05).mean(dtype=torch.float64) > 0.98
    assert (p[300:] > 0.95).mean(dtype=torch.float64) > 0.98
    assert torch.allclose(upper_part(3 * numbers - 7), p, atol=1e-6)
    assert torch.allclose(upper_part(torch.ones(5)), torch.full((5,), 0.5))


def test_what_is_unlike_the_source_is_taught_as_the_last_class():
    trial = create_trial()
    method = Separate(first=0.0)
    nets = method.build(trial.network(), trial.logic).eval()
    stream = trial.stream(method)
    batch = stream.batch(0)
    u = torch.linspace(0, 1, len(trial.y))
    nets.memory = {"unknown": u}
    losses = method.loss(nets, batch, 0.5)
    outputs = nets.network(batch.target.x)
    logs, known = outputs.log_softmax(dim=1), outputs[:, :-1].softmax(dim=1)
    mine = u[batch.target.rows]
    assert losses["unknown"].item() == pytest.approx(-(mine * logs[:, -1]).mean().item(), rel=1e-4)
    sure = -(known * known.log()).sum(dim=1) - (1 - logs[:, -1].exp()).log()
    assert losses["known"].item() == pytest.approx(((1 - mine) * sure).mean().item(), rel=1e-4)


def digits(source_classes, target_classes):
    """Return digits, and other writers' digits turned by 20 degrees, each of some classes."""
    x, y = load_digits(return_X_y=True)
    turned = rotate(x[900:].reshape(-1, 8, 8), 20, axes=(2, 1), reshape=False, order=1).reshape(-1, 64)
    first, second = np.isin(y[:600], source_classes), np.isin(y[900:], target_classes)
    return x[:600][first], y[:600][first], turned[second], y[900:][second]


def answers(method, case):
    source, labels, target, truth = case
    model = JointClassifier(method=method, standardise=False)
    return model.fit(*join(source, labels, target, np.full(len(truth), -1))).predict(target)


@pytest.mark.slow
def test_partial_beats_the_source_alone_and_dann_where_the_target_lacks_classes():
    case = digits(range(10), range(5))
    found = {name: np.mean(answers(name, case) == case[3]) for name in ("erm", "dann", "partial_mcc")}
    assert found["partial_mcc"] >= max(found["erm"], found["dann"]) + 0.05, found


@pytest.mark.slow
def test_separate_finds_what_is_unknown_and_beats_the_source_alone_and_dann():
    case = digits(range(5), range(10))
    truth = np.minimum(case[3], 5)
    found = {name: answers(name, case) for name in ("erm", "dann", "separate")}
    shares = {name: np.mean(one == truth) for name, one in found.items()}
    assert shares["separate"] >= max(shares["erm"], shares["dann"]) + 0.1, shares
    unknown = found["separate"] == 5
    assert unknown[truth == 5].mean() > 0.7
    assert unknown[truth < 5].mean() < 0.5


def test_the_face_answers_one_class_more_than_the_source_has(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 12)
    monkeypatch.setattr(plan, "MOST_STEPS", 12)
    check_survives(lambda: JointClassifier(method="separate"), "classification")
    rng = np.random.default_rng(0)
    rows, names = rng.normal(size=(30, 3)), np.array(["cat", "dog"])[np.arange(30) % 2].astype(object)
    model = JointClassifier(method="separate").fit(*join(rows, names, rows + 5, np.full(30, None)))
    assert model.classes_.tolist() == ["cat", "dog", "unknown"]
    assert model.predict_proba(rows).shape == (30, 3)


def test_which_class_is_unknown():
    assert with_unknown(np.array([0, 1, 4]), np.array([0, 1, 2])).tolist() == [0, 1, 4, 5]
    assert with_unknown(np.array([0, 1, 4]), np.array([0, 1])).tolist() == [0, 1, 4]
    with pytest.raises(ValueError, match="The classes 1, 4 have no source sample"):
        with_unknown(np.array([0, 1, 4]), np.array([0]))
    with pytest.raises(ValueError, match="The classes 1 have no source sample"):
        with_unknown(np.array([0, 1, 4]), np.array([0, 2]))
    with pytest.raises(ValueError, match="cannot stand beside"):
        with_unknown(np.array(["a", "unknown"]), np.array([0, 1]))


def test_a_choice_among_the_sources_classes_says_why_it_cannot_use_one(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 2)
    monkeypatch.setattr(plan, "MOST_STEPS", 2)
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(40, 3)), np.arange(40) % 2
    found = choose(*join(rows + labels[:, None], labels, rows, np.full(40, -1)), candidates=["separate"])
    note = next(one["note"] for one in found.table if one["name"] == "separate")
    assert "answers a class that the source does not know" in note


def test_known_labels_of_the_target_teach_what_is_unknown_and_are_no_known_neighbours(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 60)
    monkeypatch.setattr(plan, "MOST_STEPS", 60)
    rng = np.random.default_rng(0)
    labels, hidden = np.arange(60) % 2, np.arange(60) % 3
    place = np.array([[0, 0], [4, 0], [0, 4]])
    source, target = (rng.normal(size=(60, 2)) + place[y] for y in (labels, hidden))
    seen = np.where(np.arange(60) < 12, hidden, -1)
    model = JointClassifier(method="separate").fit(*join(source, labels, target, seen))
    assert model.classes_.tolist() == [0, 1, 2]
    assert np.mean(model.predict(target) == hidden) > 0.75
