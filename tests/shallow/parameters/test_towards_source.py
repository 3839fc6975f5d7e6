import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.joining import join
from headstart.shallow.parameters.biased import biased_logistic, biased_ridge
from headstart.shallow.parameters.towards_source import (
    TowardsSourceClassifier,
    TowardsSourceRegressor,
    towards_source,
)


def two_domains(n=200, m=60, d=5, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=d)
    source, target = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 0.3
    return source, source @ weights, target, target @ (weights + 0.1) + 0.5


def test_held_intercept_is_the_closed_form_of_a_ridge_with_a_column_of_ones():
    rng = np.random.default_rng(0)
    x, y, offset, alpha = rng.normal(size=(9, 3)), rng.normal(size=(9, 1)), rng.normal(size=(9, 1)), 2.5
    found = biased_ridge(x, y, offset, [alpha], free_intercept=False)[0]
    centred = np.column_stack([x - x.mean(axis=0), np.ones(9)])
    direct = np.linalg.solve(centred.T @ centred + alpha * np.eye(4), centred.T @ (y - offset))
    assert np.allclose(found.coef[0], direct[:3, 0])
    assert np.allclose(found(x), centred @ direct)


def test_held_logistic_intercept_is_a_stationary_point_and_finite_for_an_absent_class():
    rng = np.random.default_rng(1)
    x, labels, offset, alpha = rng.normal(size=(12, 4)), np.arange(12) % 2, rng.normal(size=(12, 3)), 0.7
    found = biased_logistic(x, labels, offset, [alpha], free_intercept=False)[0]
    raw = offset + found(x)
    p = np.exp(raw - raw.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    slope = p - np.eye(3)[labels]
    at_mean = found.intercept + found.coef @ x.mean(axis=0)
    assert np.allclose(slope.T @ (x - x.mean(axis=0)) + alpha * found.coef, 0, atol=1e-3)
    assert np.allclose(slope.sum(axis=0) + alpha * at_mean, 0, atol=1e-3)


def test_the_strongest_penalty_is_the_source_and_the_weakest_the_target():
    source, labels, target, truth = two_domains()
    X, y, domain = join(source, labels, target, truth)
    alone = TunedRidge().fit(source, labels).predict(target)
    near = TowardsSourceRegressor(strengths=(1e12,)).fit(X, y, sample_domain=domain).predict(target)
    far = TowardsSourceRegressor(strengths=(1e-9,)).fit(X, y, sample_domain=domain).predict(target)
    assert np.allclose(near, alone, atol=1e-6)
    assert np.allclose(far, truth, atol=1e-4)


def test_without_a_target_label_it_is_the_source_model():
    source, labels, target, _ = two_domains()
    classes = (labels > 0).astype(int)
    X, y, domain = join(source, classes, target)
    model = TowardsSourceClassifier().fit(X, y, sample_domain=domain)
    assert model.strength_ is None
    assert (model.predict(target) == TunedLogistic().fit(source, classes).predict(target)).mean() > 0.98


def test_few_labels_beat_both_the_source_and_the_target_alone():
    source, labels, target, truth = two_domains(m=200, d=20)
    gains = []
    for seed in range(5):
        some = np.full(200, np.nan)
        chosen = np.random.default_rng(seed).permutation(200)
        some[chosen[:15]], rest = truth[chosen[:15]], chosen[15:]
        model = TowardsSourceRegressor().fit(*join(source, labels, target, some)[:2], join(source, labels, target)[2])
        error = np.abs(model.predict(target[rest]) - truth[rest]).mean()
        alone = np.abs(TunedRidge().fit(source, labels).predict(target[rest]) - truth[rest]).mean()
        own = TunedRidge().fit(target[chosen[:15]], truth[chosen[:15]])
        gains.append(min(alone, np.abs(own.predict(target[rest]) - truth[rest]).mean()) - error)
    assert np.mean(gains) > 0


def test_one_label_keeps_the_strongest_penalty():
    rng = np.random.default_rng(0)
    found = towards_source(rng.normal(size=(1, 4)), np.array([1]), np.zeros((1, 2)))
    assert found.strength == 1e6
    assert np.abs(found.linear.coef).max() < 1e-4


def test_a_class_of_the_target_alone_can_be_learned():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(80, 2)) + 4 * np.eye(2)[np.arange(80) % 2]
    target = rng.normal(size=(60, 2)) + np.array([[4, 0], [0, 4], [-6, -6]])[np.arange(60) % 3]
    truth = np.arange(60) % 3
    X, y, domain = join(source, np.arange(80) % 2, target, np.where(np.arange(60) < 30, truth, -1))
    model = TowardsSourceClassifier().fit(X, y, sample_domain=domain)
    assert (model.predict(target[30:]) == truth[30:]).mean() > 0.9


def test_sparse_rows_give_the_dense_answer():
    source, labels, target, truth = two_domains()
    X, y, domain = join(source, (labels > 0).astype(int), target, (truth > 0).astype(int))
    X = np.where(np.abs(X) > 0.7, X, 0.0)
    dense = TowardsSourceClassifier().fit(X, y, sample_domain=domain).predict_proba(X)
    thin = TowardsSourceClassifier().fit(sparse.csr_matrix(X), y, sample_domain=domain).predict_proba(X)
    assert np.allclose(dense, thin, atol=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [TowardsSourceClassifier(estimator=LogisticRegression()), TowardsSourceRegressor()], ids=["c", "r"]
)
def test_scikit_learn_contract(model):
    check_estimator(model)
