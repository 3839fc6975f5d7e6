"""Two samples are compared at an exact level, and a permuted classifier is what its textbook form gives."""

import numpy as np
import pytest

from headstart.functional.permuted import compare_answers, compare_features, draws, left_out_auc, standardised, together


def test_the_smallest_p_is_compared_with_the_smallest_of_every_permutation():
    # Two statistics that say the same cost nothing; two that are independent cost what chance demands.
    rng = np.random.default_rng(0)
    same = np.repeat(rng.normal(size=(500, 1)), 2, axis=1)
    each, p = together(same)
    assert p == pytest.approx(each[0])
    assert each[0] == each[1]
    other = rng.normal(size=(500, 2))
    other[0] = (2.0, -9.0)
    each, p = together(other)
    assert each[1] == 1.0
    assert p > 1.5 * each[0]
    assert together(np.ones((50, 3)))[1] == 1.0


def test_each_row_is_judged_by_a_ridge_fit_that_has_not_seen_it():
    rng = np.random.default_rng(1)
    rows, strength = standardised(rng.normal(size=(14, 3))), 0.1
    members = draws(6, 8, 2, seed=0)
    found = left_out_auc(rows, members, strength)
    for column in range(3):
        y, scores = members[:, column], np.zeros(14)
        for row in range(14):
            # Leaving one out with the penalty and the centre of all rows, as the closed form has them.
            rest = np.arange(14) != row
            design = np.column_stack([np.ones(14), rows])
            penalty = np.diag([0.0, *[strength * 14] * 3])
            fit = np.linalg.solve(design[rest].T @ design[rest] + penalty, design[rest].T @ y[rest])
            scores[row] = design[row] @ fit
        above = scores[y == 1][:, None] - scores[y == 0]
        assert found[column] == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean())


def test_false_alarms_are_rare_and_moved_rows_are_seen():
    rng = np.random.default_rng(2)
    alarms = [compare_features(rng.normal(size=(40, 5)), rng.normal(size=(30, 5)), seed=s, count=60).p < 0.05
              for s in range(60)]  # fmt: skip
    assert np.mean(alarms) < 0.15
    moved = rng.normal(size=(40, 5)) + np.array([1.5, 0, 0, 0, 0])
    assert compare_features(rng.normal(size=(40, 5)), moved, count=100).p < 0.05
    wide = compare_features(rng.normal(size=(60, 2)), 3 * rng.normal(size=(60, 2)), count=100)
    assert wide.each["mmd"] < 0.05 < wide.each["auc_1"]  # a spread is no direction


def test_answers_that_are_less_sure_or_of_other_classes_are_seen():
    rng = np.random.default_rng(3)

    def drawn(alpha):
        return rng.dirichlet(alpha, size=80)

    one, other = drawn([4, 4, 1]), drawn([1, 4, 4])
    assert compare_answers(one, other, None, count=100).p < 0.05
    sure, unsure = drawn([0.2, 0.2, 0.2]), drawn([3, 3, 3])
    found = compare_answers(sure, unsure, (sure.max(axis=1), unsure.max(axis=1)), count=100)
    assert found.each["sureness"] < 0.05 < found.each["means"]


def test_columns_that_do_not_vary_say_nothing():
    flat = np.full((12, 2), 3.0)
    assert compare_features(flat[:5], flat[5:], count=20).p == 1.0
    assert (standardised(np.column_stack([flat[:, :1], np.arange(12.0)])).shape) == (12, 1)
