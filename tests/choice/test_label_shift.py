"""Where nothing but the class shares differs, they are corrected; where anything else does, they are not."""

from __future__ import annotations

import numpy as np

from headstart.choice import Candidate, choose
from headstart.choice.label_shift import label_shift_alarm, only_shares_differ
from headstart.choice.race import prepare, race
from headstart.shallow.domains import Domains, join


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
    plain = next(one.model for one in choice.decided.finished if one.name == "source_only")
    corrected = (choice.model.predict(target) == hidden).mean()
    assert corrected > (plain.predict(target) == hidden).mean() + 0.1


def test_sure_source_models_are_believed_about_class_shares():
    """Where the target is easier for source-only than the source, what would force other shares on it stays out."""
    rng = np.random.default_rng(5)
    labels = np.arange(400) % 2
    source = np.column_stack([rng.normal(size=400) + labels, 3 * rng.normal(size=(400, 3))])
    target = np.column_stack([rng.normal(size=300) - 4, 3 * rng.normal(size=(300, 3)) + 1])
    ground = prepare(_domains(source, labels, target), n_classes=2)
    free = Candidate("self_training", {"balanced": False}, label="self_training_free")
    raced = race(ground, [Candidate("source_only"), Candidate("coral"), free])
    credible = label_shift_alarm(ground, raced) or ()
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
