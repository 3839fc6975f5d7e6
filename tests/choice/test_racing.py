"""What a race may learn from: never the rows that its evidence is read off."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from headstart.choice import Candidate
from headstart.choice.blend import shares
from headstart.choice.gain import Gain, features, learn
from headstart.choice.racing import prepare, race
from headstart.choice.stacking import _held_back
from headstart.shallow.domains import Domains
from headstart.validators.density import density_ratio

BY_HEART = KNeighborsClassifier(1)


@pytest.fixture
def noise():
    """Labels that nothing predicts: who answers them rightly has seen them. A third of the target's are known."""
    rng = np.random.default_rng(0)
    labels, known = rng.integers(3, size=120), rng.integers(3, size=90)
    known[::3], known[1::3] = known[::3], -1
    known[2::3] = -1
    return Domains(rng.normal(size=(120, 4)), labels, rng.normal(size=(90, 4)) + 0.5, known, np.ones(120, dtype=int))


def test_held_out_source_rows_are_answered_by_a_model_that_did_not_see_them(noise):
    data = prepare(noise, n_classes=3)
    one = race(data, [Candidate("source_only", head=BY_HEART)])[0]
    seen = one.model.predict_proba(noise.source[data.held], sample_domain=np.ones(len(data.held)))
    truth = noise.labels[data.held]
    assert (seen.argmax(axis=1) == truth).all()
    assert (one.held.argmax(axis=1) == truth).mean() < 0.7
    assert one.scores["source_accuracy"] == pytest.approx((one.held.argmax(axis=1) == truth).mean())


def test_a_held_out_row_keeps_its_own_density_ratio(noise):
    data = prepare(noise, n_classes=3)
    every = density_ratio(data.low_source, data.low_target)
    assert np.allclose(data.ratio, every[data.held])
    assert not np.allclose(data.ratio, every[: len(data.held)])


def test_a_stack_learns_its_shares_from_answers_to_labels_that_were_held_back(noise):
    data = prepare(noise, n_classes=3)
    one = race(data, [Candidate("source_only"), Candidate("pooled", head=BY_HEART)])[1]
    truth = noise.target_labels[noise.known]
    assert (one.target[noise.known].argmax(axis=1) == truth).all()
    assert (_held_back(data, one).argmax(axis=1) == truth).mean() < 0.7


def test_source_only_always_runs_and_a_spent_budget_stops_the_others(noise):
    data = prepare(noise, n_classes=3)
    first, second = race(data, [Candidate("source_only"), Candidate("coral")], budget=0.0)
    assert first.note == ""
    assert "budget" in second.note


def test_shares_grow_with_the_predicted_gain_and_sum_to_one():
    found = shares(np.array([0.0, 2.0, 4.0]))
    assert found == pytest.approx(np.exp([-2.0, -1.0, 0.0]) / np.exp([-2.0, -1.0, 0.0]).sum())


def test_every_benchmark_counts_alike_however_many_pairs_it_has():
    groups = np.repeat([0, 1], [90, 10])
    gain = learn(np.ones((100, 1)), np.where(groups == 0, 10.0, 0.0), groups, ["constant"], strength=1e-9)
    assert gain.predict(np.ones((1, 1)))[0] == pytest.approx(5.0, rel=1e-3)


def test_no_single_figure_promises_the_moon():
    gain = Gain(("a",), np.ones(1), np.ones(1), 1.0)
    assert gain.predict(np.array([[1e6], [-1e6]])).tolist() == [4.0, -4.0]


def test_the_unit_of_the_values_does_not_change_what_is_read_off_a_race():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(80, 3)), rng.normal(size=(60, 3)) + 0.5
    values, unknown = source @ np.array([1.0, -2.0, 0.5]) + 0.3 * rng.normal(size=80), np.full(60, np.nan)
    read = []
    for unit in (1.0, 1000.0):
        data = prepare(Domains(source, unit * values, target, unknown, np.ones(80, dtype=int)), n_classes=0)
        raced = race(data, [Candidate(name) for name in ("source_only", "coral", "standardize")])
        read.append(features(data, raced))
    assert np.abs(read[0][1]).max() > 0.05
    np.testing.assert_allclose(read[0], read[1], rtol=1e-3, atol=1e-3)
