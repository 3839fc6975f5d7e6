"""Where nothing but the class shares differs, they are corrected; where anything else does, they are not."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.choice import Candidate, choose
from headstart.choice.choosing import select
from headstart.choice.gain import shipped
from headstart.choice.label_shift import label_shift_alarm, only_shares_differ
from headstart.choice.moved_means import shares_explain_more
from headstart.choice.racing import prepare, race
from headstart.shallow.domains import Domains
from headstart.shallow.joining import join


def _drawn(n, share, seed, offset=0.0):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < share).astype(int)
    return rng.normal(size=(n, 4)) + np.array([1.2, 0.8, 0.0, 0.0]) * labels[:, None] + offset, labels


def _domains(source, labels, target):
    return Domains(source, labels, target, np.full(len(target), -1), np.ones(len(labels), dtype=np.int64))


def test_shares_alone_are_told_from_other_shifts():
    source, labels = _drawn(500, 0.2, 0)
    assert only_shares_differ(_domains(source, labels, _drawn(500, 0.9, 1)[0]))
    assert not only_shares_differ(_domains(source, labels, _drawn(500, 0.2, 2)[0]))
    assert not only_shares_differ(_domains(source, labels, _drawn(500, 0.3, 3)[0]))
    elsewhere = _drawn(500, 0.2, 4, offset=np.array([0.0, 0.0, 2.0, -2.0]))[0]
    assert not only_shares_differ(_domains(source, labels, elsewhere))


def test_the_choice_corrects_them_and_gains():
    source, labels = _drawn(500, 0.2, 0)
    target, hidden = _drawn(500, 0.9, 1)
    choice = choose(*join(source, labels, target), candidates=["bbse", "coral"])
    assert choice.name == "bbse"
    assert "class shares" in choice.reason
    plain = next(one.model for one in choice.selection.finished if one.name == "source_only")
    corrected = (choice.model.predict(target) == hidden).mean()
    assert corrected > (plain.predict(target) == hidden).mean() + 0.1


def test_sure_source_models_are_believed_about_class_shares():
    """Where the target is easier for source-only than the source, what would force other shares on it stays out."""
    rng = np.random.default_rng(5)
    labels = np.arange(400) % 2
    source = np.column_stack([rng.normal(size=400) + 3 * labels, 3 * rng.normal(size=(400, 3))])
    target = np.column_stack([rng.normal(size=300) - 0.5, 3 * rng.normal(size=(300, 3)) + 1])
    data = prepare(_domains(source, labels, target), n_classes=2)
    free = Candidate("self_training", {"balanced": False}, label="self_training_free")
    raced = race(data, [Candidate("source_only"), Candidate("coral"), free])
    credible = label_shift_alarm(data, raced) or ()
    assert "source_only" in credible
    assert "coral" not in credible
    same = prepare(_domains(source, labels, source + 0.01), n_classes=2)
    assert label_shift_alarm(same, race(same, [Candidate("source_only"), free])) is None


def test_a_handful_of_rows_says_nothing_about_shares():
    source, labels = _drawn(60, 0.5, 6)
    for target in (source[:1], source[:2]):
        assert not only_shares_differ(_domains(source, labels, target))
        assert len(choose(*join(source, labels, target), candidates=["coral"]).model.predict(target)) == len(target)


def test_nearest_neighbours_race_when_they_are_named():
    source, labels = _drawn(60, 0.5, 7)
    raced = choose(*join(source, labels, source + 0.1), candidates=["source_nearest"]).table
    assert [one["name"] for one in raced][:2] == ["source_only", "source_nearest"]


FREE = Candidate("self_training", {"balanced": False}, label="self_training_free")


def _alarmed(source, labels, target):
    data = prepare(_domains(source, labels, target), n_classes=2, standardise=False)
    raced = race(data, [Candidate("source_only"), Candidate("coral"), FREE])
    return data, raced, label_shift_alarm(data, raced)


def _classes(n, share, apart, seed, offset=0.0):
    """Two classes whose centres lie ``apart`` deviations from each other, in ten columns."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < share).astype(int)
    return rng.normal(size=(n, 10)) + apart * labels[:, None] * np.eye(10)[0] + offset, labels


def test_a_strong_witness_of_other_shares_raises_the_alarm():
    source, labels = _classes(400, 0.5, 4.0, 0)
    target, hidden = _classes(300, 0.95, 4.0, 1, offset=0.3 * np.eye(10)[3])
    data, raced, credible = _alarmed(source, labels, target)
    assert credible is not None
    assert "coral" not in credible
    assert (np.asarray(raced[0].target).argmax(axis=1) == hidden).mean() > 0.9
    selection = select(data, raced, shipped(False))
    row = next(row for row in selection.table() if row["name"] == "coral")
    assert np.isnan(row["predicted_gain"])
    assert np.isnan(row["chance"])
    assert row["note"] == "left out: aligns whole domains under a label-shift alarm"
    assert row["scores"]
    others = [other for other in selection.table() if other["name"] != "coral"]
    assert all(other["note"] == "" and np.isfinite(other["predicted_gain"]) for other in others)
    blended = next(one for one in selection.finished if one.name == "blend").model
    assert raced[1].model not in blended.members


def test_a_witness_near_chance_raises_none():
    """The means move along the weak direction of the classes: all answers go to one class, and so does EM."""
    source, labels = _classes(800, 0.5, 0.2, 2)
    target, hidden = _classes(300, 0.5, 0.2, 3, offset=3.0 * np.eye(10)[0])
    data, raced, credible = _alarmed(source, labels, target)
    answers = np.asarray(raced[0].target).argmax(axis=1)
    assert np.abs(np.bincount(answers, minlength=2) / 300 - 0.5).sum() > 0.6
    assert (answers == hidden).mean() < 0.6
    assert credible is None
    assert all(np.isfinite(select(data, raced, shipped(False)).gains))


def test_shares_are_not_corrected_by_answers_that_are_mostly_wrong():
    """Ten classes that hardly differ: whoever is right in a fifth of the cases cannot tell their shares."""
    rng = np.random.default_rng(8)
    labels, hidden = np.arange(300) % 10, np.arange(200) % 10
    source = rng.normal(size=(300, 10)) + 0.8 * np.eye(10)[labels]
    target = rng.normal(size=(200, 10)) + 0.8 * np.eye(10)[hidden]
    data = prepare(_domains(source, labels, target), n_classes=10)
    raced = race(data, [Candidate("source_only"), Candidate("bbse")])
    selection = select(data, raced, shipped(False), corrected=True)
    assert selection.finished[selection.chosen].name == "source_only"


@pytest.mark.parametrize("k", [2, 4])
def test_other_shares_are_told_from_a_moved_mean(k):
    """The same share of answers goes to the first class, once because it is frequent, once because all rows moved."""
    rng = np.random.default_rng(9)

    def answers(labels, move=0.0):
        scores = 1.5 * np.eye(k)[labels] + 0.7 * rng.normal(size=(len(labels), k)) + move * np.eye(k)[0]
        return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)

    labels = np.arange(600) % k
    frequent = np.where(rng.random(500) < 0.85, 0, rng.integers(0, k, 500))
    prior = np.full(k, 1 / k)
    assert shares_explain_more(answers(labels), labels, answers(frequent), prior)
    assert not shares_explain_more(answers(labels), labels, answers(np.arange(500) % k, move=2.0), prior)


def test_one_witness_of_other_shares_is_not_enough():
    """Source-only, unsure of every target row, calls them all one class; self-training finds the source's shares."""
    source, labels = _classes(200, 0.5, 4.0, 10)
    target, _ = _classes(150, 0.5, 4.0, 11, offset=2.0 * np.eye(10)[0])
    data = prepare(_domains(source, labels, target), n_classes=2, standardise=False)
    first, second = race(data, [Candidate("source_only"), FREE])
    certain = np.where(np.eye(2)[labels[data.held]] > 0, 0.99, 0.01)
    unsure = first._replace(target=np.tile([0.3, 0.7], (150, 1)), held=certain)
    halves = np.eye(2)[np.arange(150) % 2]
    assert label_shift_alarm(data, [unsure, second._replace(target=halves)]) is None
    everyone = np.eye(2)[np.ones(150, dtype=int)]
    assert label_shift_alarm(data, [unsure._replace(target=0.98 * everyone + 0.01), second]) is not None
