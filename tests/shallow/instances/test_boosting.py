"""TrAdaBoost and its forms for a regression."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.domains import mask
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.instances.tradaboost import TrAdaBoost, boost
from headstart.shallow.instances.tradaboost_r2 import (
    TrAdaBoostR2,
    TwoStageTrAdaBoostR2,
    adjusted_errors,
    shrink_source,
    weighted_median,
)
from headstart.shallow.joining import join

Array = np.ndarray
TWO_STAGE = TwoStageTrAdaBoostR2(steps=3, rounds=3)


def turned(seed: int = 0) -> tuple[Array, Array, Array, Array]:
    """A line between classes that is turned by 60 degrees in the target, whose first 40 rows are labelled."""
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(300, 2)), rng.normal(size=(340, 2))
    return source, (source[:, 0] > 0) * 1, target, (target @ [0.5, 0.866] > 0) * 1


def curves(seed: int = 0) -> tuple[Array, Array, Array, Array]:
    """A curve that half of the source follows, and half contradicts; 30 rows of the target are labelled."""
    rng = np.random.default_rng(seed)
    source, target = rng.uniform(-2, 2, (400, 2)), rng.uniform(-2, 2, (330, 2))
    values = np.sin(2 * source[:, 0]) + 0.05 * rng.normal(size=400)
    values[source[:, 1] > 0] *= -1
    return source, values, target, np.sin(2 * target[:, 0]) + 0.05 * rng.normal(size=330)


@pytest.mark.parametrize("method", [TrAdaBoost(), TrAdaBoostR2(rounds=5), TWO_STAGE], ids=lambda m: type(m).__name__)
def test_scikit_learn_agrees(method) -> None:
    check_estimator(method)


def test_target_labels_turn_the_classifier() -> None:
    source, labels, target, truth = turned()
    hidden = mask(truth, np.arange(340) >= 40)
    model = TrAdaBoost().fit(*join(source, labels, target, hidden))
    alone = TunedLogistic().fit(source, labels).score(target[40:], truth[40:])
    pooled = TunedLogistic().fit(np.concatenate([source, target[:40]]), np.append(labels, truth[:40]))
    score = model.score(target[40:], truth[40:])
    assert score > alone + 0.1
    assert score > pooled.score(target[40:], truth[40:]) + 0.05
    np.testing.assert_allclose(model.predict_proba(target).sum(axis=1), 1)


def test_two_classes_are_weighed_as_the_paper_has_it() -> None:
    source, labels, target, truth = turned()
    rows, both = np.concatenate([source, target[:40]]), np.append(labels, truth[:40])
    votes = boost(GaussianNB(), rows, both, 300, rounds=3, n_classes=2)
    weights, expected = np.ones(340), []
    for _ in range(3):
        wrong = GaussianNB().fit(rows, both, weights).predict(rows) != both
        error = weights[300:] @ wrong[300:] / weights[300:].sum()
        expected.append(np.log((1 - error) / error))
        weights[:300] *= (1 / (1 + np.sqrt(2 * np.log(300) / 3))) ** wrong[:300]
        weights[300:] *= (error / (1 - error)) ** -(wrong[300:] * 1.0)
    assert len(votes) == 2  # rounds 2 and 3 of 3
    np.testing.assert_allclose([vote.weight for vote in votes], expected[1:], rtol=1e-9)


def test_several_classes_some_of_them_without_target_labels() -> None:
    rows, labels = load_digits(return_X_y=True)
    names = np.array([f"digit {label}" for label in labels])
    hidden = mask(names[600:1000], np.arange(400) >= 8)
    model = TrAdaBoost(rounds=4).fit(*join(rows[:600], names[:600], rows[600:1000], hidden))
    assert model.score(rows[1000:], names[1000:]) > 0.85
    assert list(model.classes_) == sorted(set(names))
    forest = TrAdaBoost(estimator=DecisionTreeClassifier(max_depth=8, random_state=0), rounds=4)
    assert forest.fit(*join(rows[:600], names[:600], rows[600:1000], hidden)).score(rows[1000:], names[1000:]) > 0.6


def test_sparse_rows_are_learned_from_as_they_are() -> None:
    source, labels, target, truth = turned()
    hidden = mask(truth, np.arange(340) >= 40)
    X, y, domain = join(source, labels, target, hidden)
    model = TrAdaBoost(rounds=3)
    dense = model.fit(X, y, domain).predict_proba(target)
    np.testing.assert_allclose(model.fit(sparse.csr_matrix(X), y, domain).predict_proba(target), dense, atol=1e-6)


@pytest.mark.parametrize("method", [TrAdaBoostR2(), TwoStageTrAdaBoostR2(rounds=5)], ids=lambda m: type(m).__name__)
def test_regression_gets_past_source_and_target_alone(method) -> None:
    source, values, target, truth = curves()
    hidden = mask(truth, np.arange(330) >= 30)
    model = method.fit(*join(source, values, target, hidden))

    def error(model) -> float:
        return float(((model.predict(target[30:]) - truth[30:]) ** 2).mean())

    tree = DecisionTreeRegressor(max_depth=6, random_state=0)
    assert error(model) < 0.5 * error(tree.fit(source, values))
    assert error(model) < error(TunedRidge().fit(target[:30], truth[:30]))


@pytest.mark.parametrize("kind", [TrAdaBoost, TrAdaBoostR2, TwoStageTrAdaBoostR2])
def test_without_a_target_label_there_is_one_sentence(kind) -> None:
    source, labels, target, _ = turned()
    labels = labels if kind is TrAdaBoost else labels * 0.5
    with pytest.raises(
        ValueError, match=rf"^{kind.__name__} learns from labelled rows of the target, and no label .*\.$"
    ):
        kind().fit(*join(source, labels, target))


def test_one_domain_alone_is_fitted_plainly() -> None:
    source, labels, target, _ = turned()
    plain = TunedLogistic(strengths=(1e-2,)).fit(source, labels)
    np.testing.assert_array_equal(TrAdaBoost().fit(source, labels).predict(target), plain.predict(target))
    line = TrAdaBoostR2(estimator=LinearRegression()).fit(source, source[:, 0] * 2)
    np.testing.assert_allclose(line.predict(target), target[:, 0] * 2, atol=1e-9)


@pytest.mark.parametrize("method", [TrAdaBoostR2(rounds=5), TWO_STAGE], ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_very_few_target_labels(method, count: int) -> None:
    source, values, target, truth = curves()
    hidden = mask(truth, np.arange(330) >= count)
    assert np.isfinite(method.fit(*join(source, values, target, hidden)).predict(target)).all()


def test_a_perfect_estimator_ends_the_boosting() -> None:
    source, _, target, _ = curves()
    hidden = mask(target[:, 0] * 3, np.arange(330) >= 9)
    model = TrAdaBoostR2(estimator=LinearRegression()).fit(*join(source, source[:, 0] * 3, target, hidden))
    assert len(model.voices_) == 1
    np.testing.assert_allclose(model.predict(target), target[:, 0] * 3, atol=1e-9)


def test_median_is_weighted() -> None:
    values = np.array([[1.0, 2.0, 9.0], [5.0, 4.0, 3.0]])
    np.testing.assert_array_equal(weighted_median(values, np.array([1.0, 1.0, 1.0])), [2, 4])
    np.testing.assert_array_equal(weighted_median(values, np.array([1.0, 1.0, 5.0])), [9, 3])
    np.testing.assert_array_equal(weighted_median(values, np.array([2.0, 1.0, 1.0])), [1, 4])


def test_source_shrinks_to_the_share_that_is_asked_for() -> None:
    rng = np.random.default_rng(0)
    weights, errors = rng.random(50) + 0.1, rng.random(50)
    for share in (0.4, 0.7, 0.999, 1.0):
        shrunk = shrink_source(weights, errors, 40, share)
        assert shrunk.sum() == pytest.approx(1)
        assert shrunk[40:].sum() == pytest.approx(share, abs=1e-6)
    ratio = shrink_source(weights, errors, 40, 0.7)[:40] / weights[:40]
    assert np.corrcoef(np.log(ratio), errors[:40])[0, 1] == pytest.approx(-1)


def test_errors_are_divided_by_the_largest() -> None:
    line = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    np.testing.assert_allclose(
        adjusted_errors(line, [[0.0], [1.0], [2.0]], np.array([0.0, 2.0, 6.0])), [0, 0.25, 1], atol=1e-12
    )
    np.testing.assert_array_equal(adjusted_errors(line, [[0.0], [1.0]], np.array([0.0, 1.0])), 0)
