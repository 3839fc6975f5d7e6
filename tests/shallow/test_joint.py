"""Features, scale and strength chosen together."""

import numpy as np
import pytest

from headstart.functional.folds import default_folds, default_strengths
from headstart.shallow.heads.joint import choose_jointly
from headstart.shallow.heads.linear import Problem
from headstart.shallow.parameters.knn import KNN
from headstart.shallow.parameters.probe import Probe

PROBLEM = Problem("classification", 3, default_strengths("classification"))


def told_apart_by(spread, *, n=24, d=60, seed=0):
    """Three classes that the first four features tell apart; ``spread`` is their scale against the others'."""
    rng, y = np.random.default_rng(seed), np.arange(n) % 3
    middle = np.random.default_rng(9).normal(size=(3, 4)) * 2
    x = rng.normal(size=(n, d))
    x[:, :4] = (x[:, :4] + middle[y]) * spread
    return x, y


@pytest.mark.parametrize(("spread", "standardised"), [(8.0, False), (0.05, True)])
def test_the_scale_is_that_in_which_the_classes_lie_apart(spread, standardised):
    x, y = told_apart_by(spread)
    assert Probe(standardise=None).fit(x, y).standardised_ is standardised
    assert choose_jointly({"": x}, y, PROBLEM, default_folds(y, "classification")).standardise is standardised


def test_with_a_handful_of_labels_the_raw_scale_is_better_where_the_classes_are_wide():
    (x, y), (other, truth) = told_apart_by(8.0), told_apart_by(8.0, n=600, seed=1)
    raw, each = (Probe(standardise=scale).fit(x, y).score(other, truth) for scale in (None, True))
    assert raw > each + 0.02


def test_another_stage_is_read_only_if_it_is_better_by_more_than_luck():
    (x, y), noise = told_apart_by(3.0, n=60), np.random.default_rng(1).normal(size=(60, 8))
    folds = default_folds(y, "classification")
    assert choose_jointly({"pooled": noise, "block": x}, y, PROBLEM, folds).features == "block"
    same = x + 1e-9
    assert choose_jointly({"pooled": x, "block": same}, y, PROBLEM, folds).features == "pooled"


def test_a_common_factor_changes_nothing():
    """The penalty counts in the features' own size, so that units do not matter."""
    x, y = told_apart_by(1.0)
    one, other = (Probe(standardise=False, strengths=(0.01,)).fit(f * x, y) for f in (1.0, 1000.0))
    np.testing.assert_allclose(one.coef_, 1000 * other.coef_, rtol=1e-3, atol=1e-4)


def test_a_rows_group_does_not_vote_on_it():
    """Rows come in equal pairs of one group whose labels are noise: alone a pair's other half would be always right."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5)).repeat(2, axis=0), rng.integers(2, size=40).repeat(2)
    groups = np.arange(40).repeat(2)
    assert KNN().fit(x, y).scores_.max() == 1.0
    assert KNN().fit(x, y, groups=groups).scores_.max() < 0.8


def test_one_error_fewer_is_luck_and_twenty_are_not():
    """Features that say a class outright, wrongly in some rows: 4 instead of 5 in 60 are within a standard error."""
    y = np.arange(60) % 3
    folds = default_folds(y, "classification")

    def saying(wrong):
        return np.eye(3)[(y + np.isin(np.arange(60), wrong)) % 3]

    few, other, many = saying(range(5)), saying(range(30, 34)), saying(range(24))
    assert choose_jointly({"pooled": few, "block": other}, y, PROBLEM, folds).features == "pooled"
    assert choose_jointly({"pooled": many, "block": other}, y, PROBLEM, folds).features == "block"


def test_where_no_fold_can_be_held_out_nothing_is_chosen():
    x, y = told_apart_by(1.0)
    found = choose_jointly({"pooled": x, "stage": x}, y, PROBLEM, [])
    assert (found.features, found.standardise, found.strength) == ("pooled", False, max(PROBLEM.strengths))
