import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.joining import join
from headstart.shallow.parameters.warm_start import WarmStartClassifier, WarmStartRegressor, way_on


def shifted(seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(150) % 3
    source = rng.normal(size=(150, 2)) + 3 * np.array([[1, 0], [0, 1], [-1, -1]])[labels]
    target = rng.normal(size=(150, 2)) + 3 * np.array([[0, 1], [-1, 0], [1, -1]])[labels]
    return source, labels, target


def test_naive_bayes_goes_on_from_its_counts():
    source, labels, target = shifted()
    some = np.where(np.arange(150) < 30, labels, -1)
    X, y, domain = join(source, labels, target, some)
    model = WarmStartClassifier(estimator=GaussianNB(), steps=1, standardise=False).fit(X, y, sample_domain=domain)
    pooled = GaussianNB().fit(np.concatenate([source, target[:30]]), np.concatenate([labels, labels[:30]]))
    assert np.allclose(model.predict_proba(target), pooled.predict_proba(target), atol=1e-6)


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(warm_start=True), GradientBoostingClassifier(n_estimators=10)]
)
def test_more_steps_learn_more_of_the_target(estimator):
    source, labels, target = shifted()
    X, y, domain = join(source, labels, target, np.where(np.arange(150) < 90, labels, -1))
    few, many = (
        WarmStartClassifier(estimator=estimator, steps=steps).fit(X, y, sample_domain=domain).predict(target[90:])
        for steps in (1, 100)
    )
    assert (many == labels[90:]).mean() > (few == labels[90:]).mean()
    assert (many == labels[90:]).mean() > 0.8


def test_without_target_labels_it_is_the_source_model():
    source, labels, target = shifted()
    X, y, domain = join(source, labels, target)
    model = WarmStartClassifier(estimator=LogisticRegression()).fit(X, y, sample_domain=domain)
    scaler = StandardScaler().fit(source)
    alone = LogisticRegression().fit(scaler.transform(source), labels)
    assert np.allclose(model.predict_proba(target), alone.predict_proba(scaler.transform(target)), atol=1e-3)


def test_a_class_without_a_target_label_is_not_forgotten():
    source, labels, target = shifted()
    X, y, domain = join(source, labels, target, np.where((np.arange(150) < 30) & (labels < 2), labels, -1))
    for estimator in (RandomForestClassifier(n_estimators=10, random_state=0), LogisticRegression()):
        model = WarmStartClassifier(estimator=estimator, steps=2).fit(X, y, sample_domain=domain)
        assert model.model_.classes_.tolist() == [0, 1, 2]
        told = model.predict_proba(source)[:, 2]
        assert told[labels == 2].mean() > max(0.02, 2 * told[labels == 0].mean())


def test_a_forest_gets_more_trees():
    source, labels, target = shifted()
    X, y, domain = join(source, labels.astype(float), target, labels.astype(float))
    forest = RandomForestRegressor(n_estimators=5, random_state=0)
    model = WarmStartRegressor(estimator=forest, steps=7).fit(X, y, sample_domain=domain)
    assert len(model.model_.estimators_) == 12
    assert forest.n_estimators == 5


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (KNeighborsClassifier(), "neither partial_fit nor warm_start"),
        (HistGradientBoostingClassifier(), "bins of the new rows"),
    ],
)
def test_estimators_that_cannot_go_on_are_refused(estimator, words):
    with pytest.raises(ValueError, match=words):
        way_on(estimator)


def test_histogram_boosting_really_reads_its_old_trees_through_new_bins():
    """The reason for the refusal: one more tree of learning rate 0 on other rows must leave predictions as they are."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 1))
    labels = (rows[:, 0] > 0).astype(int)
    model = HistGradientBoostingClassifier(max_iter=5, warm_start=True, early_stopping=False).fit(rows, labels)
    before = model._raw_predict(rows + 100)[:, 0]
    model._bin_mapper.fit(rows + 100)
    binned = model._bin_mapper.transform(rows + 100)
    after = sum(tree[0].predict_binned(binned, 255, 1) for tree in model._predictors)
    assert np.ptp(before) == 0
    assert np.ptp(after) > 0


def test_a_new_class_and_a_wrong_kind_are_refused():
    source, labels, target = shifted()
    X, y, domain = join(source, np.minimum(labels, 1), target, labels)
    with pytest.raises(ValueError, match="target label 2, which no source row has"):
        WarmStartClassifier().fit(X, y, sample_domain=domain)
    with pytest.raises(ValueError, match="which is no regressor"):
        WarmStartRegressor(estimator=LogisticRegression()).fit(X, y.astype(float), sample_domain=domain)


@pytest.mark.slow
@pytest.mark.parametrize("model", [WarmStartClassifier(), WarmStartRegressor()], ids=["c", "r"])
def test_scikit_learn_contract(model):
    check_estimator(model)
