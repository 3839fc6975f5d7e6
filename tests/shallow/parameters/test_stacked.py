import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.domains import stack
from headstart.shallow.parameters.stacked import StackedSourcesClassifier, StackedSourcesRegressor


def three_domains(seed=0):
    """Source 1 knows the target's rule, source 2 its opposite."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(300, 3))
    y = x @ np.array([1.0, 2.0, 0.0])
    y[100:200] *= -1
    return x, y, np.repeat([1, 2, -1], 100)


def test_without_target_labels_it_is_the_mean_of_the_models():
    x, y, domain = three_domains()
    hidden = np.where(domain > 0, y, np.nan)
    model = StackedSourcesRegressor(estimators=(Ridge(),)).fit(x, hidden, sample_domain=domain)
    parts = [Ridge().fit(x[domain == i], y[domain == i]).predict(x[domain < 0]) for i in (1, 2)]
    assert model.strength_ is None
    assert np.allclose(model.predict(x[domain < 0]), np.mean(parts, axis=0))


def test_target_labels_tell_the_source_that_is_right():
    x, y, domain = three_domains()
    seen = np.where((domain > 0) | (np.arange(300) < 210), y, np.nan)
    model = StackedSourcesRegressor(estimators=(Ridge(),)).fit(x, seen, sample_domain=domain)
    assert np.corrcoef(model.predict(x[210:]), y[210:])[0, 1] > 0.99
    assert np.abs(model.predict(x[210:]) - y[210:]).mean() < 0.3 * np.abs(y[210:]).mean()


def test_classes_as_well():
    x, y, domain = three_domains()
    labels = (y > 0).astype(int)
    seen = np.where((domain > 0) | (np.arange(300) < 212), labels, -1)
    model = StackedSourcesClassifier(estimators=(LogisticRegression(), DecisionTreeClassifier(max_depth=3)))
    model.fit(x, seen, sample_domain=domain)
    assert len(model.models_) == 4
    assert (model.predict(x[212:]) == labels[212:]).mean() > 0.85


def test_no_estimator_is_refused():
    x, y, domain = three_domains()
    with pytest.raises(ValueError, match="estimators is empty"):
        StackedSourcesRegressor(estimators=()).fit(x, y, sample_domain=domain)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        StackedSourcesClassifier(estimators=(LogisticRegression(), DecisionTreeClassifier(max_depth=3))),
        StackedSourcesRegressor(estimators=(Ridge(),)),
    ],
    ids=["c", "r"],
)
def test_scikit_learn_contract(model):
    check_estimator(model)


def test_a_source_of_one_class_joins_in():
    x, y, domain = three_domains()
    labels = np.where(domain == 2, 1, (y > 0).astype(int))
    X, seen = stack(x[:200], x[200:]), np.where(domain > 0, labels, -1)
    model = StackedSourcesClassifier(estimators=(LogisticRegression(),)).fit(X, seen, sample_domain=domain)
    assert np.isfinite(model.predict_proba(x)).all()
