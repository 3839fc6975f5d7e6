"""Accuracy without labels: exact where nothing has changed, and disagreement where a model is sure and wrong."""

import numpy as np
import pytest

from headstart.functional.unlabelled_accuracy import by_threshold, neighbours_agree


def test_threshold_gives_the_held_out_accuracy_back():
    rng = np.random.default_rng(0)
    for _ in range(20):
        sure = rng.choice(np.linspace(0.3, 1, rng.integers(1, 30)), size=25)  # with ties
        right = (rng.random(25) < sure).astype(float)
        assert by_threshold(sure, right, sure) == pytest.approx(right.mean())
    held, right = np.array([0.5, 0.6, 0.9, 0.95]), np.array([0.0, 0.0, 1.0, 1.0])
    assert by_threshold(held, right, np.array([0.4, 0.59, 0.92, 0.99])) == pytest.approx(1 / 2)


def test_a_row_does_not_vote_for_itself():
    x = np.array([0.0, 1.0, 2.0, 7.0, 8.0, 9.0])[:, None]
    labels = np.eye(2)[[0, 0, 0, 1, 1, 1]]
    told = np.eye(2)[[0, 0, 0, 1, 1, 1]]
    assert neighbours_agree(x, labels, None, told, "softmax", k=1).mean() == 1.0
    lonely = labels.copy()
    lonely[0] = (0, 1)  # its own label is its only friend
    assert neighbours_agree(x, lonely, None, lonely, "softmax", k=1)[0] == 0.0


def test_agreement_of_each_kind_of_answer():
    x = np.array([[0.0], [0.1], [5.0], [5.1]])
    sets = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=float)
    asked, told = np.array([[0.05], [5.0]]), np.array([[0.9, 0.8], [0.2, 0.7]])
    assert neighbours_agree(x, sets, asked, told, "sigmoid", k=2).tolist() == [0.5, 1.0]
    values = np.array([[1.0], [3.0], [10.0], [12.0]])
    assert neighbours_agree(x, values, asked, np.array([[2.0], [14.0]]), "identity", k=2).tolist() == [0.0, -3.0]
