"""Label shift: class weights in closed form, recovered shares, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.instances.held_out import held_out_scores
from headstart.shallow.instances.label_shift import (
    bbse_weights,
    class_weights_by_confusion,
    class_weights_by_likelihood,
    mlls_weights,
    mmdtars_weights,
)
from headstart.shallow.joining import join
from headstart.shallow.shells.reweighted import Reweighted

Array = np.ndarray
ALL = (bbse_weights, mlls_weights, mmdtars_weights)


def shifted(n: int = 1200, k: int = 3, seed: int = 0) -> tuple[Array, Array, Array, Array]:
    """Classes with the same rows in both domains, in other shares: the last class grows, the first is gone."""
    rng = np.random.default_rng(seed)
    shares, target_shares = np.arange(k, 0, -1.0), np.arange(k) * 1.0
    labels = rng.choice(k, n, p=shares / shares.sum())
    target_labels = rng.choice(k, n, p=target_shares / target_shares.sum())
    centres = 2.0 * np.eye(k)[:, : max(k, 2)]
    return (
        centres[labels] + rng.normal(size=(n, k)),
        labels,
        centres[target_labels] + rng.normal(size=(n, k)),
        np.bincount(target_labels, minlength=k) / np.bincount(labels, minlength=k),
    )


@pytest.mark.parametrize("weigh", ALL)
def test_class_weights_are_recovered(weigh) -> None:
    source, labels, target, truth = shifted()
    weights = weigh(source, target, labels=labels)
    found = np.array([weights[labels == k][0] for k in range(3)])
    assert all(len(np.unique(weights[labels == k])) == 1 for k in range(3))
    np.testing.assert_allclose(found, truth, atol=0.25)
    assert weights.mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("weigh", ALL)
def test_twelve_classes_and_class_numbers_with_gaps(weigh) -> None:
    source, labels, target, truth = shifted(n=900, k=12)
    weights, gaps = weigh(source, target, labels=labels), weigh(source, target, labels=3 * labels + 5)
    np.testing.assert_array_equal(weights, gaps)
    found = np.array([weights[labels == k][0] for k in range(12)])
    assert np.corrcoef(found, truth)[0, 1] > 0.9


def test_confusion_is_inverted() -> None:
    rng = np.random.default_rng(0)
    shares, wanted = np.array([0.5, 0.3, 0.2]), np.array([0.4, 1.0, 2.5])
    wanted = wanted / (shares @ wanted)
    blurred = rng.dirichlet(np.ones(3), 3).T + 2 * np.eye(3)
    confusion = blurred / blurred.sum(axis=0) * shares
    np.testing.assert_allclose(class_weights_by_confusion(confusion, shares, confusion @ wanted), wanted, atol=1e-6)


def test_likelihood_is_what_em_climbs_to() -> None:
    rng = np.random.default_rng(0)
    probabilities, shares = rng.dirichlet([0.4, 0.8, 0.6], 300), np.array([0.2, 0.5, 0.3])
    target_shares = shares
    for _ in range(20000):  # Saerens et al., equation 2.9
        posterior = probabilities * (target_shares / shares)
        target_shares = (posterior / posterior.sum(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(class_weights_by_likelihood(probabilities, shares), target_shares / shares, atol=1e-3)


def test_mmdtars_with_landmarks_is_close_to_exact() -> None:
    source, labels, target, _ = shifted(n=500)
    exact = mmdtars_weights(source, target, labels=labels, landmarks=0)
    np.testing.assert_allclose(mmdtars_weights(source, target, labels=labels, landmarks=300), exact, atol=0.05)


@pytest.mark.parametrize("weigh", ALL)
def test_a_regression_and_missing_labels_are_refused_in_one_sentence(weigh) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 2))
    name = weigh.__name__.removesuffix("_weights")
    with pytest.raises(ValueError, match=f"{name} weighs classes, and labels holds float64 values"):
        weigh(rows, rows, labels=rows[:, 0])
    with pytest.raises(ValueError, match=f"{name} weighs classes and needs labels"):
        weigh(rows, rows)
    with pytest.raises(ValueError, match="weighs classes"):
        Reweighted(weights=weigh, estimator=TunedRidge()).fit(*join(rows, rows[:, 0], rows))


def test_an_estimator_of_ones_own_judges() -> None:
    source, labels, target, truth = shifted()
    weights = mlls_weights(source, target, labels=labels, estimator=GaussianNB())
    np.testing.assert_allclose([weights[labels == k][0] for k in range(3)], truth, atol=0.25)


def test_held_out_scores_are_of_models_that_have_not_seen_the_row() -> None:
    rng = np.random.default_rng(0)
    rows, labels, folds = rng.normal(size=(40, 60)), np.arange(40) % 2, np.arange(40) // 2 % 4
    scores, others = held_out_scores(rows, labels, folds, rows, folds)
    np.testing.assert_array_equal(scores, others)
    assert (scores.argmax(axis=1) == labels).mean() < 0.8  # noise that every model could learn by heart
    alone, _ = held_out_scores(rows, labels, np.zeros(40, dtype=int), rows, folds * 0)
    np.testing.assert_array_equal(alone, 0)


def test_a_class_that_a_fold_does_not_show_is_improbable() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([0] * 10 + [1] * 10 + [2])
    folds = np.append(np.arange(20) % 5, 0)
    rows = rng.normal(size=(21, 2)) + 3 * np.eye(3)[labels][:, :2]
    scores, _ = held_out_scores(rows, labels, folds, rows, folds)
    assert np.isfinite(scores).all()
    assert (scores[folds == 0].argmax(axis=1) != 2).all()
