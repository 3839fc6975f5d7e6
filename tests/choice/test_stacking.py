"""A stack learns from target labels how much each model counts."""

from __future__ import annotations

import numpy as np

from headstart.choice import Candidate, choose
from headstart.choice.racing import prepare, race
from headstart.choice.stacking import _held_back, stacked
from headstart.shallow.domains import Domains
from headstart.shallow.joining import join


def test_a_stack_of_values_is_no_worse_than_its_members_where_labels_are_many():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(300, 4)), rng.normal(size=(400, 4)) + 1
    weights = np.array([1.0, -2.0, 0.5, 0.0])
    values, truth = source @ weights, target @ (weights + np.array([0.0, 3.0, 0.0, 1.0]))  # another P(Y | X)
    known = np.where(np.arange(400) < 100, truth, np.nan)
    choice = choose(*join(source, values, target, known), candidates=["coral", "standardize"])
    assert choice.name == "stacked"
    asked = target[100:]
    members = [one.model for one in choice.selection.finished if one.name not in ("blend", "stacked")]
    errors = [np.abs(model.predict(asked) - truth[100:]).mean() for model in members]
    assert np.abs(choice.model.predict(asked) - truth[100:]).mean() < min(errors) + 0.1


def test_a_row_that_standardising_throws_far_away_stays_within_reach():
    rng = np.random.default_rng(1)
    source, target = rng.normal(size=(200, 3)), rng.normal(size=(200, 3))
    source[:, 2] = 1e-6 * rng.normal(size=200)  # hardly varies in the source, and weighs as much once standardised
    values = source[:, 0] + 1e5 * source[:, 2]
    target[:, 2] *= 1e-6
    target[7, 2] = 1.0
    choice = choose(*join(source, values, target), candidates=["standardize", "coral"])
    span = np.ptp(values)
    for one in choice.selection.finished:
        assert np.asarray(one.target).min() >= values.min() - span - 1e-9
        assert np.asarray(one.target).max() <= values.max() + span + 1e-9


def test_while_labels_are_few_a_stack_leans_on_what_is_predicted_to_gain():
    rng = np.random.default_rng(0)
    labels, known = np.arange(60) % 2, np.full(40, -1)
    source, target = rng.normal(size=(60, 2)), rng.normal(size=(40, 2))
    known[:2] = 0, 1
    data = prepare(Domains(source, labels, target, known, np.ones(60, dtype=int)), n_classes=2)
    finished = race(data, [Candidate(name) for name in ("source_only", "coral", "standardize")])
    for favoured in (1, 2):
        gains = np.where(np.arange(len(finished)) == favoured, 8.0, 0.0)
        blend = stacked(data, finished, gains, strength=20.0).model
        share = dict(zip(map(id, blend.members), blend.weights, strict=True))
        assert share[id(finished[favoured].model)] > 0.8
    gains = np.array([0.0, 1.0, 0.0])
    blend = stacked(data, finished, gains, strength=1e6).model
    share = dict(zip(map(id, blend.members), blend.weights, strict=True))
    ratio = share[id(finished[1].model)] / share[id(finished[2].model)]
    np.testing.assert_allclose(ratio, np.exp(0.5), rtol=0.01)  # a point more of predicted gain, before any label


def test_a_stack_answers_labelled_rows_as_its_members_would_without_their_labels():
    rng = np.random.default_rng(3)
    labels, hidden = np.arange(60) % 3, np.arange(40) % 3
    source = rng.normal(size=(60, 3)) + 2 * np.eye(3)[labels]
    target = rng.normal(size=(40, 3)) + 2 * np.eye(3)[hidden] + 0.5
    for n_classes in (3, 0):
        y, truth = (labels, hidden) if n_classes else (source.sum(axis=1), target.sum(axis=1) + 1)
        known = np.where(np.arange(40) < 6, truth, -1 if n_classes else np.nan)
        data = prepare(Domains(source, y, target, known, np.ones(60, dtype=int)), n_classes=n_classes)
        finished = race(data, [Candidate(name) for name in ("source_only", "target_only", "coral")])
        found = stacked(data, finished, np.zeros(3))
        weights = np.array(found.model.weights)
        assert abs(weights.sum() - 1) < 1e-9
        held = [_held_back(data, one) for one in finished]
        np.testing.assert_allclose(found.crossed, sum(w * one for w, one in zip(weights, held, strict=True)))
        for side in ("target", "held"):
            mixed = sum(w * getattr(one, side) for w, one in zip(weights, finished, strict=True))
            np.testing.assert_allclose(getattr(found, side), mixed)
        np.testing.assert_array_equal(held[0], finished[0].target[:6])  # source-only saw none of them
        assert not np.allclose(held[1], finished[1].target[:6])


def test_a_model_of_the_target_alone_says_nothing_where_one_class_is_left():
    rng = np.random.default_rng(4)
    labels = np.arange(30) % 3
    source, target = rng.normal(size=(30, 2)), rng.normal(size=(20, 2))
    known = np.full(20, -1)
    known[:2] = 0, 1
    data = prepare(Domains(source, labels, target, known, np.ones(30, dtype=int)), n_classes=3)
    one = race(data, [Candidate("source_only"), Candidate("target_only")])[1]
    np.testing.assert_allclose(_held_back(data, one), 1 / 3)
