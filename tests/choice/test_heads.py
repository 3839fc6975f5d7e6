"""What stands on top of features is settled by the source's labels alone."""

from __future__ import annotations

import numpy as np

from headstart.choice.heads import STRENGTHS, Heads, settle
from headstart.choice.racing import prepare
from headstart.functional.folds import default_strengths
from headstart.shallow.domains import Domains
from headstart.shallow.heads import tuned
from headstart.shallow.heads.nearest import TunedNearest
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic


def _domains(rows, labels):
    return Domains(rows, labels, rows, np.full(len(labels), -1), np.ones(len(labels), dtype=np.int64))


def _rings(n=400, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    angle = rng.uniform(0, 2 * np.pi, size=n)
    radius = 1 + labels + 0.1 * rng.normal(size=n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), labels


def test_rings_need_nearest_neighbours_and_blobs_do_not():
    rows, labels = _rings()
    assert settle(_domains(rows, labels), regression=False).nearest
    rng = np.random.default_rng(1)
    blobs = rng.normal(size=(400, 2)) + 2 * labels[:, None]
    assert not settle(_domains(blobs, labels), regression=False).nearest


def test_known_units_are_kept_and_unknown_ones_are_asked_of_the_source():
    rows, labels = _rings()
    for known in (True, False):
        assert settle(_domains(rows, labels), regression=False, standardise=known).standardise is known
    rng = np.random.default_rng(2)
    loud = np.column_stack([1000 * rng.normal(size=(200, 30)), labels[:200] + 0.3 * rng.normal(size=200)])
    assert settle(_domains(loud, labels[:200]), regression=False).standardise
    assert settle(_domains(loud, loud[:, 0]), regression=True) == Heads()


def test_clusters_of_the_source_are_believed_as_far_as_they_are_its_classes():
    rng = np.random.default_rng(3)
    labels = np.arange(150) % 3
    far = rng.normal(size=(150, 4)) + 20 * np.eye(4)[labels]
    assert prepare(_domains(far, labels), n_classes=3).validity == 1.0
    assert prepare(_domains(far, rng.permutation(labels)), n_classes=3).validity < 0.1


def test_what_stands_on_top_is_of_the_kind_and_the_scale_that_were_settled():
    for scale in (True, False):
        heads = Heads(scale)
        assert [heads.baseline(False).standardise, heads.linear(False).standardise] == [scale, scale]
        assert heads.after_map(False).standardise == scale
        assert isinstance(heads.after_map(False), TunedLogistic)
        assert isinstance(Heads(scale, nearest=True).after_map(False), TunedNearest)
    assert heads.linear(False).strengths == STRENGTHS
    assert heads.baseline(False).strengths != STRENGTHS
    assert {type(make(True)) for make in (heads.baseline, heads.linear, heads.after_map)} == {TunedRidge}


def test_a_handful_of_source_rows_settles_nothing_and_many_are_sampled(monkeypatch):
    rows, labels = _rings(n=19)
    for known, scale in ((None, True), (True, True), (False, False)):
        assert settle(_domains(rows, labels), regression=False, standardise=known) == Heads(scale)
    rows, labels = _rings(n=400)
    assert settle(_domains(rows, 0 * labels), regression=False) == Heads()  # one class
    monkeypatch.setattr("headstart.choice.heads.ENOUGH", 150)
    broken = np.where(np.arange(400) < 250, labels, 1 - labels)
    assert settle(_domains(rows, labels), regression=False).nearest
    assert settle(_domains(rows, broken), regression=False, seed=1) == settle(
        _domains(rows, broken), regression=False, seed=1
    )


def test_of_many_rows_one_fold_alone_is_held_out(monkeypatch):
    rows, labels = _rings()
    every = TunedLogistic(n_folds=4).fit(rows, labels)
    monkeypatch.setattr(tuned, "MANY", 399)
    some = TunedLogistic(n_folds=4).fit(rows, labels)
    asked = ~np.isnan(some.held_out_)
    assert (asked.sum(), np.isnan(every.held_out_).sum()) == (100, 0)
    assert some.strength_ in default_strengths("classification")
    judged_alike = TunedLogistic(strengths=(some.strength_,)).fit(rows, labels)
    np.testing.assert_array_equal(judged_alike.coef_, some.coef_)
