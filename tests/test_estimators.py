"""The scikit-learn faces: the equations they state, the guard, and life in pipelines and searches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils import shuffle
from sklearn.utils.estimator_checks import parametrize_with_checks

from headstart.estimators import TransferClassifier, TransferRegressor
from headstart.functional.temperature import sharpened
from headstart.networks import save_network
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.tabular import build_tabular, tabular_spec
from headstart.shallow.parameters import array_source

FACES = (TransferClassifier, TransferRegressor)


@parametrize_with_checks([face(alpha=(0.1, 10.0), cv=2, trees=False) for face in FACES])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([face(alpha=(0.1, 10.0), cv=2) for face in FACES])
def test_scikit_learn_contract_with_trees(estimator, check):
    check(estimator)


@pytest.fixture
def linear_world():
    """A source's 500 rows and a target's 15 in 20 columns; the target's weights are near the source's."""
    random = np.random.default_rng(0)
    weights = random.normal(size=20)
    X = random.normal(size=(1015, 20))
    y = X @ weights + 0.5 * random.normal(size=1015)
    source = Ridge(alpha=1.0).fit(X[:500], y[:500])
    new = y + 0.3 * X @ random.normal(size=20)
    return source, X[500:515], new[500:515], X[515:], new[515:]


@pytest.fixture
def digits():
    """A linear source fitted on 600 digits; a target of 5 per class; 500 to test on."""
    X, y = shuffle(*load_digits(return_X_y=True), random_state=0)
    X = X / 16
    few = 600 + np.concatenate([np.flatnonzero(y[600:] == label)[:5] for label in range(10)])
    source = LogisticRegression(C=1.0, max_iter=500).fit(X[:600], y[:600])
    return source, X[few], y[few], X[-500:], y[-500:]


# Without a source: training from scratch, the same as scikit-learn's


def test_regressor_without_source_is_ridge(linear_world):
    _, X, y, X_test, _ = linear_world
    model = TransferRegressor(alpha=2.0, standardize=False, trees=False).fit(X, y)
    ridge = Ridge(alpha=2.0).fit(X, y)
    np.testing.assert_allclose(model.coef_, ridge.coef_, atol=1e-9)
    np.testing.assert_allclose(model.predict(X_test), ridge.predict(X_test), atol=1e-9)


def test_standardized_regressor_is_ridge_after_a_scaler(linear_world):
    _, X, y, X_test, _ = linear_world
    X, X_test = X * np.arange(1, 21), X_test * np.arange(1, 21)
    expected = make_pipeline(StandardScaler(), Ridge(alpha=2.0)).fit(X, y).predict(X_test)
    np.testing.assert_allclose(TransferRegressor(alpha=2.0, trees=False).fit(X, y).predict(X_test), expected, atol=1e-9)


@pytest.mark.parametrize(("classes", "C"), [(10, 0.5), (2, 1.0)])
def test_classifier_without_source_is_logistic_regression(digits, classes, C):
    _, X, y, X_test, _ = digits
    X, y = X[y < classes], y[y < classes]
    model = TransferClassifier(alpha=2.0, standardize=False).fit(X, y)
    expected = LogisticRegression(C=C, tol=1e-8, max_iter=5000).fit(X, y)
    plain = sharpened(model.predict_proba(X_test), model.temperature_, "softmax")
    np.testing.assert_allclose(plain, expected.predict_proba(X_test), atol=1e-4)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-3)


# L2-SP: the penalty is centred on the source's coefficients


def test_l2sp_regression_solves_its_equation(linear_world):
    source, X, y, _, _ = linear_world
    model = TransferRegressor(source, method="l2sp", alpha=3.0, standardize=False, guard=False).fit(X, y)
    centred, residual = X - X.mean(axis=0), y - y.mean()
    gradient = centred.T @ (centred @ model.coef_ - residual) + 3.0 * (model.coef_ - source.coef_)
    np.testing.assert_allclose(gradient, 0, atol=1e-8)


def test_l2sp_goes_from_the_target_alone_to_the_source(linear_world):
    source, X, y, _, _ = linear_world
    distances = [
        np.linalg.norm(TransferRegressor(source, alpha=a, guard=False).fit(X, y).coef_ - source.coef_)
        for a in (1e-3, 1.0, 1e3, 1e9)
    ]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-6 < 0.1 < distances[0]


def test_l2sp_classification_keeps_a_class_that_the_target_lacks_out_and_a_new_one_in(digits):
    source, X, y, _, _ = digits
    labels = np.where(y == 9, 77, y)
    model = TransferClassifier(source, method="l2sp", alpha=1e8, standardize=False, guard=False)
    model.fit(X[labels > 0], labels[labels > 0])
    assert 0 not in model.classes_
    assert 77 in model.classes_
    known = model.classes_ < 77
    np.testing.assert_allclose(model.coef_[known], source.coef_[model.classes_[known]], atol=1e-4)
    np.testing.assert_allclose(model.coef_[~known], 0, atol=1e-4)


def test_binary_source_and_binary_target_share_one_row_of_coefficients(digits):
    _, X, y, X_test, _ = digits
    few = y < 2
    source = LogisticRegression().fit(X_test, (X_test[:, 20] > 0.5).astype(int))
    model = TransferClassifier(source, alpha=1e8, standardize=False, guard=False).fit(X[few], y[few])
    assert model.coef_.shape == (1, 64)
    np.testing.assert_allclose(model.coef_, source.coef_, atol=1e-4)


def test_columns_are_matched_by_name(linear_world):
    _, X, y, _, _ = linear_world
    names = [f"c{column}" for column in range(20)]
    named = Ridge().fit(pd.DataFrame(X, columns=names), y)
    shuffled = pd.DataFrame(X, columns=names)[names[::-1][:15]].assign(new=X[:, 0])
    model = TransferRegressor(named, alpha=1e9, standardize=False, guard=False).fit(shuffled, y)
    np.testing.assert_allclose(model.coef_, [*named.coef_[::-1][:15], 0], atol=1e-6)


# Residual and probe: any source


def test_residual_starts_from_the_sources_outputs(linear_world):
    _, X, y, X_test, _ = linear_world
    forest = RandomForestRegressor(10, random_state=0).fit(X_test[:200], X_test[:200, 0])
    model = TransferRegressor(forest, alpha=1e9, guard=False).fit(X, y)
    assert model.method_ == "residual"
    shift = model.predict(X_test) - forest.predict(X_test)
    np.testing.assert_allclose(shift, np.mean(y - forest.predict(X)), atol=1e-5)


def test_residual_classification_gives_the_sources_ranking_when_the_correction_is_forbidden(digits):
    _, X, y, X_test, y_test = digits
    forest = RandomForestClassifier(20, random_state=0).fit(X_test, y_test)
    model = TransferClassifier(forest, method="residual", alpha=1e9, guard=False).fit(X, y)
    log_ratio = model.temperature_ * np.log(model.predict_proba(X_test)) - np.log(
        np.clip(forest.predict_proba(X_test), 1e-3, 1)
    )
    relative = log_ratio - log_ratio[:, :1]
    np.testing.assert_allclose(relative - relative[0], 0, atol=1e-5)


def test_probe_adds_a_functions_features():
    random = np.random.default_rng(1)
    X = random.normal(size=(400, 5))
    y = np.sin(3 * X[:, 0]) + 0.05 * random.normal(size=400)
    model = TransferRegressor(lambda rows: np.sin(3 * rows), trees=False).fit(X[:60], y[:60])
    assert (model.method_, model.kept_) == ("probe", "transfer")
    assert model.score(X[60:], y[60:]) > 0.9 > TransferRegressor(trees=False).fit(X[:60], y[:60]).score(X[60:], y[60:])


def test_probe_takes_a_transformer(digits):
    _, X, y, X_test, y_test = digits
    pca = PCA(20, random_state=0).fit(X_test)
    model = TransferClassifier(pca, guard=False).fit(X, y)
    assert model.method_ == "probe"
    assert model.linear_.coef.shape == (10, 84)
    assert model.score(X_test, y_test) > 0.5


def test_probe_takes_the_network_of_a_run_on_a_table(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(60, 3)), columns=["a", "b", "c"])
    statistics = TablePreprocess({"c": 0.0, "a": 1.0}, {"c": 1.0, "a": 2.0}, {})
    network = build_tabular(tabular_spec(statistics, width=8, blocks=1)).eval()
    save_network(network, None, tmp_path / "run" / "model")
    y = frame["a"] > frame["c"]
    model = TransferClassifier(tmp_path / "run", alpha=1.0, guard=False).fit(frame, y)
    with torch.no_grad():
        features = network.features(statistics(frame.to_dict("records"))).numpy()
    by_hand = TransferClassifier(alpha=1.0, trees=False).fit(np.column_stack([frame, features]), y)
    np.testing.assert_allclose(model.linear_.coef, by_hand.linear_.coef, atol=1e-5)
    assert model.score(frame, y) > 0.8
    with pytest.raises(ValueError, match="lacks \\['a'\\]"):
        TransferClassifier(tmp_path / "run").fit(frame[["b", "c"]], y)
    with pytest.raises(ValueError, match="image inputs"):
        TransferClassifier("headstart/glyphs").fit(frame, y)


# The guard


def test_a_good_source_is_kept_and_helps(digits):
    source, X, y, X_test, y_test = digits
    model = TransferClassifier(source).fit(X, y)
    scratch = TransferClassifier().fit(X, y)
    assert model.kept_ in ("source", "transfer")
    assert model.gain_interval_[0] <= model.gain_ <= model.gain_interval_[1]
    assert model.score(X_test, y_test) > scratch.score(X_test, y_test) + 0.05


def test_a_misleading_source_is_refused_and_leaves_the_weights_of_scratch(linear_world):
    source, X, y, X_test, _ = linear_world
    wrong = Ridge().fit(X_test, -20 * X_test @ source.coef_)
    guarded = TransferRegressor(wrong, method="residual", alpha=1.0, trees=False).fit(X, y)
    scratch = TransferRegressor(alpha=1.0, trees=False).fit(X, y)
    assert guarded.kept_ == guarded.baseline_ == "scratch"
    assert guarded.gain_ <= 0
    assert guarded.validation_scores_["transfer"] < guarded.validation_scores_["scratch"]
    assert np.array_equal(guarded.coef_, scratch.coef_)
    unguarded = TransferRegressor(wrong, method="residual", alpha=1.0, guard=False).fit(X, y)
    assert np.abs(unguarded.predict(X_test) - guarded.predict(X_test)).max() > 1


def test_a_source_that_cannot_be_improved_is_handed_back_as_it_is(digits):
    _, X, y, X_test, y_test = digits
    perfect = RandomForestClassifier(30, random_state=0).fit(np.concatenate([X, X_test]), np.concatenate([y, y_test]))
    model = TransferClassifier(perfect).fit(X, y)
    assert (model.kept_, model.baseline_) == ("source", "source")
    assert model.gain_ > 0.05
    assert np.array_equal(model.predict(X_test), perfect.predict(X_test))
    with pytest.raises(AttributeError, match="the source as it is"):
        _ = model.coef_


def test_a_source_of_other_classes_never_answers_one_that_it_does_not_know(digits):
    _, X, _, X_test, y_test = digits
    knows = LogisticRegression().fit(X_test[y_test < 9], y_test[y_test < 9])
    answers = array_source.source_answers(knows, X, None, np.arange(10))
    assert answers.argmax(axis=1).max() < 9
    assert np.array_equal(answers.argmax(axis=1), knows.predict(X))


def test_rows_of_the_source_are_pooled_and_make_a_source(digits):
    _, X, y, X_test, y_test = digits
    rows, labels = np.concatenate([X_test[:200], X[:20]]), np.concatenate([y_test[:200], y[:20]])
    domain = np.repeat([1, -1], [200, 20])
    model = TransferClassifier().fit(rows, labels, sample_domain=domain)
    assert set(model.validation_scores_) == {"source", "pooled", "scratch", "transfer"}
    assert model.kept_ != "scratch"
    assert model.score(X[20:], y[20:]) > TransferClassifier().fit(X[:20], y[:20]).score(X[20:], y[20:]) + 0.2
    values = TransferRegressor().fit(rows, labels, sample_domain=domain)
    assert set(values.validation_scores_) == {"source", "pooled", "scratch", "transfer"}
    with pytest.raises(ValueError, match="labelled rows of its own"):
        TransferClassifier().fit(rows, labels, sample_domain=np.ones(220))


def test_nothing_is_claimed_where_nothing_can_be_learned():
    """Values that nothing predicts, a source and six strengths to choose from: an honest gain is about 0."""
    gains = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        source = Ridge().fit(rng.normal(size=(40, 3)), rng.normal(size=40))
        rows, values = rng.normal(size=(30, 3)), rng.normal(size=30)
        gains.append(TransferRegressor(source, trees=False).fit(rows, values).gain_)
    assert np.mean(gains) < 3 * np.std(gains) / np.sqrt(20)


def test_too_few_rows_for_folds_still_fit(linear_world):
    _, X, _, _, _ = linear_world
    model = TransferClassifier(LogisticRegression().fit(X, X[:, 0] > 0)).fit(X[:2], np.array([False, True]))
    assert model.validation_scores_ == {}
    assert model.predict(X).shape == (15,)


# Trees beside the linear answer


def test_a_clone_keeps_the_source_fitted_and_forgets_the_target(digits):
    source, X, y, _, _ = digits
    model = TransferClassifier(source, alpha=0.3).fit(X, y)
    other = clone(model)
    assert other.source is source
    assert other.get_params(deep=False) == model.get_params(deep=False)
    assert not hasattr(other, "kept_")


@pytest.mark.slow
def test_grid_search_over_strengths_and_sources(digits):
    source, X, y, _, _ = digits
    labels = y < 5
    grid = {"alpha": [0.1, 10.0], "source": [None, FrozenEstimator(source)]}
    half = LogisticRegression().fit(X, labels)
    search = GridSearchCV(TransferClassifier(half, guard=False), {"alpha": grid["alpha"]}, cv=2).fit(X, labels)
    assert search.best_estimator_.source is half
    search = GridSearchCV(TransferClassifier(guard=False), grid, cv=2).fit(X, y)
    assert search.best_params_["source"].estimator is source


def test_in_a_pipeline_the_source_sees_what_the_step_before_gives(digits):
    _, X, y, X_test, y_test = digits
    pca = PCA(20, random_state=0).fit(X_test)
    source = LogisticRegression().fit(pca.transform(X_test), y_test)
    scores = {}
    for name, knowledge in {"transfer": source, "scratch": None}.items():
        pipeline = make_pipeline(FrozenEstimator(pca), TransferClassifier(knowledge, alpha=1.0, trees=False))
        scores[name] = cross_val_score(pipeline, X, y, cv=2).mean()
    assert scores["transfer"] > scores["scratch"] + 0.1


def test_a_fitted_face_is_itself_a_source(digits):
    source, X, y, X_test, y_test = digits
    first = TransferClassifier(source).fit(X, y)
    second = TransferClassifier(first).fit(X_test[:60], y_test[:60])
    assert second.method_ == "l2sp"


def test_a_linear_source_that_is_kept_has_its_own_coefficients(digits):
    source, X, _, X_test, _ = digits
    model = TransferClassifier(source, alpha=1.0).fit(X, source.predict(X))
    assert model.kept_ == "source"
    assert np.array_equal(model.coef_, source.coef_)
    assert np.array_equal((X_test @ model.coef_.T + model.intercept_).argmax(axis=1), source.predict(X_test))


def test_several_targets(linear_world):
    source, X, y, X_test, _ = linear_world
    both = np.column_stack([y, -y])
    pair = Ridge().fit(X_test, X_test @ np.column_stack([source.coef_, -source.coef_]))
    predicted = TransferRegressor(pair, alpha=1.0, trees=False).fit(X, both).predict(X_test)
    np.testing.assert_allclose(predicted[:, 0], -predicted[:, 1], atol=1e-3)


# What bad input gets


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"method": "l2ps"}, "must be one of auto, l2sp"),
        ({"alpha": 0.0}, "above 0"),
        ({"alpha": ()}, "above 0"),
        ({"cv": 1}, "2 or more"),
        ({"source": 7}, "neither a fitted estimator"),
        ({"source": lambda rows: rows[:3]}, "3 rows of features for 15"),
        ({"source": RandomForestRegressor(2), "method": "l2sp"}, "not fitted"),
        ({"source": PCA(2).fit(np.eye(20)), "method": "residual"}, "needs a fitted regressor"),
        ({"source": Ridge().fit(np.eye(3), [1, 2, 3])}, "fitted on 3 columns and X has 20"),
        ({"source": Ridge().fit(np.eye(20), np.eye(20)[:, :2])}, "2 outputs and y has 1"),
    ],
)
def test_one_sentence_about_a_mistake(linear_world, arguments, words):
    _, X, y, _, _ = linear_world
    with pytest.raises((ValueError, NotFittedError), match=words) as caught:
        TransferRegressor(**arguments).fit(X, y)
    assert "\n" not in str(caught.value)


def test_classes_in_common_are_needed_for_coefficients(digits):
    _, X, y, X_test, y_test = digits
    source = LinearSVC().fit(X_test, y_test + 100)
    with pytest.raises(ValueError, match="none in common"):
        TransferClassifier(source, method="l2sp").fit(X, y)
    assert TransferClassifier(source).fit(X, y).method_ == "probe"
