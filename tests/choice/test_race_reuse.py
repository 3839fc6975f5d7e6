"""What candidates of a race share is computed once, and changes no answer."""

from __future__ import annotations

import numpy as np
import pytest

from headstart import catalogue
from headstart.choice.choosing import race_and_select
from headstart.choice.joint import plan
from headstart.functional import linear
from headstart.functional.reuse import reusing
from headstart.shallow.domains import Domains
from headstart.shallow.features.jda import JDA
from headstart.shallow.features.msda import MSDA
from headstart.shallow.heads.tuned import TunedLogistic


def test_a_race_computes_once_what_several_ask_for_and_answers_as_if_it_had_not(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 6)
    monkeypatch.setattr(plan, "MOST_STEPS", 6)
    rng = np.random.default_rng(0)
    labels, known = rng.integers(3, size=120), np.full(90, -1)
    rows = Domains(rng.normal(size=(120, 4)), labels, rng.normal(size=(90, 4)) + 0.5, known, np.ones(120, dtype=int))
    named = ["easytl", "coral", "kmm", "erm", "shot"]
    answers, hits = [], []
    for limit in (0, 10**9):
        with reusing(limit) as shelf:
            found = race_and_select(rows, n_classes=3, candidates=named, standardise=False).finished
        answers.append(np.stack([one.target for one in found]))
        hits.append(shelf.hits)
    assert hits[0] == 0
    # of two fits each: the target's axes for EasyTL and CORAL, rows of the heads for source-only and KMM, ERM for SHOT
    assert hits[1] >= 8
    assert np.array_equal(*answers)


LABEL_FREE = [one for one in catalogue.METHODS if one.kind == "map" and getattr(one.load(), "label_free", False)]


@pytest.mark.parametrize("name", [one.name for one in LABEL_FREE])
def test_a_map_that_calls_itself_free_of_labels_is_the_same_whatever_they_are(name):
    rng = np.random.default_rng(1)
    rows, domain = rng.normal(size=(40, 5)) + np.arange(40)[:, None] % 2, np.repeat([1, -1], 20)
    maps = []
    for labels in (np.arange(40) % 2, rng.integers(2, size=40)):
        maps.append(catalogue.get(name).load()().fit(rows, labels, sample_domain=domain).transform(rows))
    assert np.array_equal(*maps)


def test_a_map_that_reads_no_label_is_fitted_once_in_a_race_and_one_that_does_twice(monkeypatch):
    assert {"msda", "tca", "subspace_alignment", "ot_linear"} <= {one.name for one in LABEL_FREE}
    fits = []
    for kind in (MSDA, JDA):
        learn = kind._learn
        monkeypatch.setattr(
            kind, "_learn", lambda self, domains, learn=learn: fits.append(self) or learn(self, domains)
        )
    rng = np.random.default_rng(0)
    labels, known = rng.integers(3, size=60), np.full(50, -1)
    rows = Domains(rng.normal(size=(60, 4)), labels, rng.normal(size=(50, 4)) + 0.5, known, np.ones(60, dtype=int))
    found = race_and_select(rows, n_classes=3, candidates=["msda", "jda"], standardise=False)
    assert [type(one) for one in fits] in ([MSDA, JDA, JDA], [JDA, JDA, MSDA])
    raced = next(one for one in found.finished if one.name == "msda")
    assert not raced.note
    assert np.isfinite(raced.held).all()


def test_held_out_rows_are_told_in_the_order_they_came():
    rng = np.random.default_rng(4)
    labels = np.arange(60) % 2
    rows = rng.normal(size=(60, 3)) + 4 * labels[:, None]
    labels[7] = 1 - labels[7]  # the one row that no fold gets right
    for standardise in (True, False):
        model = TunedLogistic(standardise=standardise, n_folds=3).fit(rows, labels)
        assert np.flatnonzero(model.held_out_ == 0).tolist() == [7]


@pytest.mark.parametrize(("n", "turns"), [(30, 1), (90, 4)])
def test_a_search_on_more_columns_than_rows_finds_the_axes_once_for_all_folds(monkeypatch, n, turns):
    """Scaled, a fold of fewer columns has axes of its own; with more of them they would cost as much as all rows'."""
    seen, turn = [], linear._turn
    monkeypatch.setattr(linear, "_turn", lambda squared: seen.append(len(squared)) or turn(squared))
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    rows = rng.normal(size=(n, 60)) * 10.0 ** np.arange(-2, 4).repeat(10) + 2 * labels[:, None]
    model = TunedLogistic(n_folds=3).fit(rows, labels)
    assert len(seen) == turns
    assert model.score(rows, labels) == 1
    expected = TunedLogistic(strengths=(model.strength_,)).fit(rows, labels)
    assert np.allclose(model.predict_proba(rows), expected.predict_proba(rows), atol=2e-3)
