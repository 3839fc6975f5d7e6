"""Nearest neighbours that choose how fast votes fade."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.heads.nearest import TunedNearest, votes

LABELS = np.arange(150) % 3
ROWS = np.random.default_rng(7).normal(size=(150, 4)) + 1.5 * np.eye(4)[LABELS]  # no two distances are equal


def test_it_is_an_estimator():
    check_estimator(TunedNearest())


def test_a_narrow_kernel_is_one_nearest_neighbour():
    asked = ROWS + 0.05 * np.random.default_rng(0).normal(size=ROWS.shape)
    ours = TunedNearest(widths=(1e-3,)).fit(ROWS, LABELS).predict(asked)
    assert (ours == KNeighborsClassifier(1).fit(ROWS, LABELS).predict(asked)).all()


def test_a_wide_kernel_counts_heads():
    asked = ROWS[::7] + 0.05
    ours = TunedNearest(widths=(1e6,), n_neighbors=7).fit(ROWS, LABELS).predict_proba(asked)
    np.testing.assert_allclose(ours, KNeighborsClassifier(7).fit(ROWS, LABELS).predict_proba(asked), atol=1e-6)


def test_neither_scale_nor_order_of_rows_matters():
    asked = ROWS[::5] + 0.1
    first = TunedNearest().fit(ROWS, LABELS).predict_proba(asked)
    order = np.random.default_rng(1).permutation(len(ROWS))
    np.testing.assert_allclose(TunedNearest().fit(ROWS[order], LABELS[order]).predict_proba(asked), first, atol=1e-6)
    np.testing.assert_allclose(TunedNearest().fit(1e4 * ROWS, LABELS).predict_proba(1e4 * asked), first, atol=1e-6)
    units = np.array([1.0, 1000.0, 0.01, 1.0])
    scaled = TunedNearest(standardise=True)
    np.testing.assert_allclose(
        scaled.fit(ROWS * units, LABELS).predict_proba(asked * units),
        scaled.fit(ROWS, LABELS).predict_proba(asked),
        atol=1e-6,
    )


def test_a_row_that_was_learned_answers_with_its_label():
    one = votes(np.array([[0.0, 1.0, 2.0]]), np.array([[1, 0, 0]]), 2, 0.8)
    np.testing.assert_allclose(one, [[0.0, 1.0]], atol=1e-12)
