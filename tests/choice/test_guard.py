"""The guard hands an adapted model back by its own predicted gain, at a stated chance, and says just that."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy.stats import rankdata

from headstart.choice import Candidate
from headstart.choice.chance import BOUND, CONFIDENCE, chance, learn_slope
from headstart.choice.choosing import select
from headstart.choice.gain import Gain, feature_names, features, from_json, shipped, to_json
from headstart.choice.racing import prepare, race
from headstart.shallow.domains import Domains

CERTAIN = math.log(CONFIDENCE / (1 - CONFIDENCE))
"""Predicted gain whose chance is just the confidence that is asked for, at a slope of 1."""


def _domains(known=0, seed=0):
    rng = np.random.default_rng(seed)
    labels, hidden = np.arange(90) % 3, np.arange(75) % 3
    source = rng.normal(size=(90, 5)) + 2 * np.eye(5)[labels]
    target = rng.normal(size=(75, 5)) + 2 * np.eye(5)[hidden] + 0.8
    given = np.where(np.arange(75) < known, hidden, -1)
    return Domains(source, labels, target, given, np.ones(90, dtype=np.int64))


@pytest.fixture(scope="module")
def raced():
    data = prepare(_domains(), n_classes=3)
    return data, race(data, [Candidate(name) for name in ("source_only", "easytl", "coral")])


def _evidence(slope=1.0, bound=np.inf, **gains):
    """Evidence that predicts a gain for each model by its name alone."""
    names = feature_names(False)
    coef = np.zeros(len(names))
    for name, value in gains.items():
        coef[names.index(f"is {name}")] = value
    return Gain(names, np.ones(len(names)), coef, 0.4, slope, bound)


def _kept(selection):
    return selection.finished[selection.chosen].name


@pytest.mark.parametrize(("by", "kept"), [(-1e-6, "source_only"), (1e-6, "smoothed")])
def test_a_hair_of_confidence_decides(raced, by, kept):
    selection = select(*raced, _evidence(smoothed=CERTAIN + by))
    assert _kept(selection) == kept
    assert selection.finished[selection.considered].name == "smoothed"


def test_a_large_prediction_is_worth_nothing_where_such_predictions_do_not_hold(raced):
    selection = select(*raced, _evidence(slope=0.0, smoothed=25.0))
    assert _kept(selection) == "source_only"
    assert "above 0 in 50 of 100 left-out cases" in selection.reason


@pytest.mark.parametrize("gains", [{"blend": 3.0, "smoothed": 6.0}, {"blend": 6.0, "smoothed": 3.0}])
def test_the_sentence_speaks_of_the_model_that_is_kept(raced, gains):
    selection = select(*raced, _evidence(**gains))
    best = max(gains, key=lambda name: gains[name])
    assert _kept(selection) == best
    found = re.match(r"(\w+): predicted gain ([+-][\d.]+) points .* in (\d+) of 100 left-out cases", selection.reason)
    assert found is not None
    assert found.groups() == (best, "+6.0", str(math.floor(100 * chance(1.0, 6.0))))
    row = next(row for row in selection.table() if row["kept"])
    assert (row["name"], round(row["predicted_gain"], 6), row["chance"]) == (best, 6.0, pytest.approx(chance(1.0, 6.0)))


def test_an_adapted_model_must_beat_every_baseline():
    """Sure of a gain over source-only, and still not handed back: pooled is predicted to gain more."""
    data = prepare(_domains(known=1), n_classes=3)
    found = race(data, [Candidate(name) for name in ("source_only", "pooled", "easytl", "coral")])
    better = select(data, found, _evidence(pooled=7.0, blend=6.0, smoothed=6.5))
    assert _kept(better) == "pooled"
    assert better.chances[better.considered] > CONFIDENCE
    assert "+7.0 points is above that of smoothed, predicted gain +6.5" in better.reason
    assert _kept(select(data, found, _evidence(pooled=6.0, blend=6.0, smoothed=6.5))) == "smoothed"


def test_nothing_is_promised_beyond_what_changed_answers_can_be_worth(raced):
    data, found = raced
    selection = select(data, found, _evidence(bound=BOUND, smoothed=50.0, blend=50.0))
    answers = [np.asarray(one.target).argmax(axis=1) for one in selection.finished]
    for answer, gain in zip(answers, selection.gains, strict=True):
        assert abs(gain) <= 100 * BOUND * (answer != answers[0]).mean() + 1e-9
    changed = (answers[selection.considered] != answers[0]).mean()
    assert selection.deviation == pytest.approx(40 * changed)


def test_a_chance_is_learned_from_what_became_of_predictions():
    rng = np.random.default_rng(0)
    predicted = rng.normal(scale=4, size=4000)
    gained = np.where(rng.random(4000) < chance(0.5, predicted), 1.0, -1.0)
    groups = np.arange(4000) % 20
    assert learn_slope(predicted, gained, groups) == pytest.approx(0.5, abs=0.05)
    assert learn_slope(predicted, rng.choice([-1.0, 1.0], 4000), groups) < 0.03
    assert learn_slope(predicted, -gained, groups) == 0
    many = np.where(np.arange(4000) < 3900, 0, 1 + np.arange(4000) % 20)  # a large group counts as one
    spoilt = np.where(many == 0, -gained, gained)
    assert learn_slope(predicted, spoilt, many) > 0.2


@pytest.mark.parametrize("regression", [False, True])
def test_what_is_shipped_has_a_calibrated_chance(regression):
    gain = shipped(regression)
    assert gain.chance(0.0) == 0.5
    assert 0 < gain.deviation < 1
    assert gain.bound == (np.inf if regression else BOUND)
    if not regression:
        assert gain.chance(2.0) > 0.6
    again = from_json(to_json(gain))
    assert (again.slope, again.bound) == pytest.approx((gain.slope, gain.bound))


def test_what_changes_nothing_gains_nothing(raced):
    data, found = raced
    rows = features(data, [found[0]._replace(candidate=Candidate("coral"))], found)
    assert shipped(False).predict(rows) == 0


def test_ranks_are_those_of_scipy_within_the_race(raced):
    data, found = raced
    names = [name for name in feature_names(False) if f"rank of {name}" in feature_names(False)]
    first = len(names)
    rows = features(data, found)[:, first : 2 * first]
    for place, name in enumerate(names):
        ranks = rankdata([one.scores[name] for one in found]) / len(found)
        belief = data.validity if name.startswith("cluster") else 1.0
        assert rows[:, place] == pytest.approx(belief * (ranks - ranks[0]))
    assert (rows[1:] != 0).any()


def test_without_source_only_there_is_no_choice_and_without_an_adapted_model_no_adaptation(raced):
    data, found = raced
    with pytest.raises(ValueError, match="did not finish: nothing was raced"):
        select(data, [], _evidence())
    with pytest.raises(ValueError, match="did not finish: no room"):
        select(data, [found[0]._replace(note="no room"), *found[1:]], _evidence())
    with pytest.raises(ValueError, match="did not finish"):
        select(data, found[1:], _evidence())
    alone = select(data, [found[0], found[1]._replace(note="failed")], _evidence())
    assert (alone.considered, _kept(alone)) == (None, "source_only")
    assert "no adapted model was raced to its end" in alone.reason
    assert math.isnan(alone.deviation)
    rows = {row["name"]: row for row in alone.table()}
    assert rows["easytl"]["note"] == "failed"
    assert math.isnan(rows["easytl"]["predicted_gain"])
    two = select(data, found[:2], _evidence(easytl=CERTAIN + 1))
    assert [one.name for one in two.finished] == ["source_only", "easytl"]  # nothing to blend
    assert _kept(two) == "easytl"


def test_a_gain_is_said_in_the_unit_that_it_has():
    rng = np.random.default_rng(1)
    source, target = rng.normal(size=(60, 3)), rng.normal(size=(50, 3)) + 0.5
    values = source @ np.array([1.0, -2.0, 0.5]) + rng.normal(size=60)
    data = prepare(Domains(source, values, target, np.full(50, np.nan), np.ones(60, dtype=int)), n_classes=0)
    found = race(data, [Candidate(name) for name in ("source_only", "coral", "standardize")])
    names = feature_names(True)
    coef = np.zeros(len(names))
    coef[names.index("is blend")] = CERTAIN + 1
    selection = select(data, found, Gain(names, np.ones(len(names)), coef, 0.4, 1.0))
    assert [one.name for one in selection.finished] == ["source_only", "coral", "standardize", "blend"]
    assert _kept(selection) == "blend"
    assert "% of the error over source-only" in selection.reason
