"""Trees beside the linear answer of the faces for arrays: what they see, where they are not, how they are mixed in."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from headstart.estimators import TransferClassifier, TransferRegressor
from headstart.shallow.parameters import array_source


@pytest.fixture(scope="module")
def crossed():
    """Rows whose class is the sign of a product: no linear model knows more than chance; a fitted face."""
    X = np.random.default_rng(0).normal(size=(400, 2))
    y = np.where(X[:, 0] * X[:, 1] > 0, "like", "unlike")
    return X, y, TransferClassifier(alpha=1.0, cv=2).fit(X[:80], y[:80])


def test_trees_see_what_no_linear_model_sees(crossed):
    X, y, model = crossed
    assert model.score(X[80:], y[80:]) > 0.8
    assert model.share_of_trees_ > 0.5
    assert model.baseline_ == "trees"
    assert model.gain_interval_[0] > 0.1
    assert set(model.validation_scores_) == {"scratch", "trees"}
    plain = TransferClassifier(alpha=1.0, cv=2, trees=False).fit(X[:80], y[:80])
    assert plain.share_of_trees_ == 0
    assert plain.score(X[80:], y[80:]) < 0.65
    with pytest.raises(AttributeError, match="of the answer are trees"):
        _ = model.coef_


@pytest.mark.slow
def test_the_same_rows_give_the_same_bits(crossed):
    X, y, model = crossed
    again = clone(model).fit(X[:80], y[:80])
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    assert (again.share_of_trees_, again.gain_) == (model.share_of_trees_, model.gain_)


@pytest.mark.slow
def test_the_sources_answers_are_mixed_with_the_trees():
    X = np.random.default_rng(1).normal(size=(300, 3))
    y = (X[:, 0] + (X[:, 1] * X[:, 2] > 0.2) > 0.5).astype(int)
    source = LogisticRegression().fit(X[200:], X[200:, 0] > 0)
    model = TransferClassifier(source, alpha=1e3, cv=2).fit(X[:60], y[:60] > 0)
    assert model.kept_ == "source"
    assert 0 < model.share_of_trees_ < 1
    said = array_source.source_answers(source, X, None, model.classes_)
    trees = np.mean([t * tree(X) for t, tree in zip(model.mix_.steepness[1:], model.trees_, strict=True)], axis=0)
    w = model.share_of_trees_
    by_hand = (1 - w) * model.mix_.steepness[0] * said + w * trees
    np.testing.assert_allclose(model.decision_function(X), by_hand[:, 1] - by_hand[:, 0])


@pytest.mark.parametrize("shape", [(40, 51), (9, 2), (2001, 2)])
def test_trees_are_not_beside_wide_rows_nor_very_few_or_many(shape):
    X = np.random.default_rng(0).normal(size=shape)
    y = X[:, 0] > 0
    told = TransferClassifier(alpha=1.0, cv=2).fit(X, y)
    assert set(told.validation_scores_) <= {"scratch"}
    assert told.share_of_trees_ == 0
    assert np.array_equal(told.coef_, TransferClassifier(alpha=1.0, cv=2, trees=False).fit(X, y).coef_)


@pytest.mark.slow
def test_trees_of_values_and_of_classes_with_a_single_row():
    X = np.random.default_rng(2).normal(size=(60, 2))
    values = np.abs(X)
    model = TransferRegressor(alpha=1.0, cv=2).fit(X[:40], values[:40])
    assert model.share_of_trees_ > 0
    error = np.abs(model.predict(X[40:]) - values[40:]).mean()
    assert error < 0.8 * np.abs(values[40:] - values[:40].mean(axis=0)).mean()
    rare = np.repeat([0, 1, 2, 3], [17, 1, 1, 1])
    told = TransferClassifier(alpha=1.0, cv=2).fit(X[:20], rare)
    assert told.predict_proba(X).shape == (60, 4)
    assert np.isfinite(told.predict_proba(X)).all()


# Life with scikit-learn
