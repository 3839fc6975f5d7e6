from functools import partial

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.several.evidence import (
    breiman_weights,
    mixture_weights,
    nearness,
    prior_weights,
    skill,
)
from headstart.shallow.several.weighted import WeightedSourcesClassifier, WeightedSourcesRegressor
from headstart.shallow.shells.adapted import Adapted

WEIGHTS = np.array([1.0, -2.0, 0.5, 1.5])


def rows(n, seed, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, 4)) + shift


def case(spoil, kind="classification", n=150):
    """Three sources and a target under one rule; ``spoil(x, y, rng)`` changes the third source."""
    parts = [rows(n, seed) for seed in range(4)]
    values = [x @ WEIGHTS for x in parts]
    labels = [(v > 0).astype(int) if kind == "classification" else v for v in values]
    parts[2], labels[2] = spoil(parts[2], labels[2], np.random.default_rng(9))
    domain = np.repeat([1, 2, 3, -1], n)
    return np.concatenate(parts), np.concatenate(labels), domain


def opposite(x, y, rng):
    return x, (1 - y if y.dtype.kind == "i" else -y)


def shuffled(x, y, rng):
    return x, rng.permutation(y)


def far(x, y, rng):
    return x + 8.0, opposite(x, y, rng)[1]


def hidden(y, domain, given=0):
    place = np.cumsum(domain < 0) - 1
    return np.where((domain > 0) | (place < given), y, -1 if y.dtype.kind == "i" else np.nan)


MODELS = {
    "classification": partial(WeightedSourcesClassifier, estimator=LogisticRegression()),
    "regression": WeightedSourcesRegressor,
}


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("spoil", [shuffled, far])
def test_a_bad_source_counts_for_little_without_a_target_label(kind, spoil):
    x, y, domain = case(spoil, kind)
    model = MODELS[kind]().fit(x, hidden(y, domain), sample_domain=domain)
    assert model.weights_[2] < 0.1
    assert np.isclose(model.weights_.sum(), 1)


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_pooling_is_beaten_where_a_source_misleads(kind):
    x, y, domain = case(far, kind)
    target = domain < 0
    model = MODELS[kind]().fit(x, hidden(y, domain), sample_domain=domain)
    pooled = (TunedLogistic() if kind == "classification" else TunedRidge()).fit(x[~target], y[~target])
    if kind == "classification":
        ours, theirs = ((m.predict(x[target]) == y[target]).mean() for m in (model, pooled))
    else:
        ours, theirs = (-np.abs(m.predict(x[target]) - y[target]).mean() for m in (model, pooled))
    assert ours > theirs + 0.02


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_only_target_labels_find_a_near_source_of_the_opposite_rule(kind):
    x, y, domain = case(opposite, kind)
    blind = MODELS[kind]().fit(x, hidden(y, domain), sample_domain=domain)
    told = MODELS[kind]().fit(x, hidden(y, domain, 40), sample_domain=domain)
    assert blind.weights_[2] > 0.25
    assert told.weights_[2] < 0.08


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("given", [0, 20])
def test_identical_sources_get_equal_weights(kind, given):
    x, y, domain = case(lambda x, y, rng: (x, y), kind)
    for number in (2, 3):
        x[domain == number], y[domain == number] = x[domain == 1], y[domain == 1]
    model = MODELS[kind]().fit(x, hidden(y, domain, given), sample_domain=domain)
    assert np.allclose(model.weights_, 1 / 3, atol=1e-4)


def test_one_source_is_the_plain_model():
    x, y, domain = case(shuffled)
    keep = (domain == 1) | (domain < 0)
    model = WeightedSourcesClassifier().fit(x[keep], hidden(y, domain)[keep], sample_domain=domain[keep])
    alone = TunedLogistic().fit(x[domain == 1], y[domain == 1])
    assert (model.predict(x[domain < 0]) == alone.predict(x[domain < 0])).mean() > 0.98


def test_a_method_across_domains_may_stand_inside():
    x, y, domain = case(shuffled)
    model = WeightedSourcesClassifier(estimator=Adapted(estimator=LogisticRegression()))
    model.fit(x, hidden(y, domain), sample_domain=domain)
    assert model.weights_[2] < 0.1
    assert (model.predict(x[domain < 0]) == y[domain < 0]).mean() > 0.9


def test_nearness_falls_with_the_distance():
    near = nearness([rows(200, 0), rows(200, 1, 0.7), rows(200, 2, 3.0)], rows(200, 3))
    assert near[0] > 2 * near[1] > 4 * near[2]
    assert np.isclose(near.sum(), 1)


def test_skill_is_0_for_noise_and_near_1_for_a_rule():
    x = rows(300, 0)
    labels = (x @ WEIGHTS > 0).astype(int)
    assert skill(LogisticRegression(), x, labels, x) > 0.85
    assert skill(LogisticRegression(), x, np.random.default_rng(0).permutation(labels), x) < 0.2
    assert skill(Ridge(), x, x @ WEIGHTS, x) > 0.99
    assert skill(LogisticRegression(), x, np.ones(300, dtype=int), x) == 0
    assert np.allclose(prior_weights(np.array([0.2, 0.8]), np.zeros(2)), [0.2, 0.8])


def test_mixture_weights_are_the_optimum_of_a_general_solver():
    rng = np.random.default_rng(0)
    likelihood, prior = rng.random((30, 3)), np.array([0.5, 0.3, 0.2])

    def loss(w):
        return -np.log(likelihood @ w).sum() - 4 * (prior * np.log(w)).sum()

    whole = {"type": "eq", "fun": lambda w: w.sum() - 1}
    direct = minimize(loss, prior, bounds=[(1e-9, 1)] * 3, constraints=[whole]).x
    assert np.allclose(mixture_weights(likelihood, prior, 4.0, rounds=5000), direct, atol=1e-3)
    assert np.allclose(mixture_weights(likelihood, prior, 1e9), prior, atol=1e-6)


def test_breiman_weights_are_the_optimum_of_a_general_solver():
    rng = np.random.default_rng(0)
    said, prior = rng.normal(size=(30, 3)), np.array([0.5, 0.3, 0.2])
    values = said @ np.array([0.7, 0.5, -0.3]) + 0.3 * rng.normal(size=30)
    spread = ((np.column_stack([said, said @ prior]) - values[:, None]) ** 2).mean(axis=0).min()

    def loss(w):
        return ((values - said @ w) ** 2).sum() + 4 * spread * ((w - prior) ** 2).sum()

    whole = {"type": "eq", "fun": lambda w: w.sum() - 1}
    direct = minimize(loss, prior, bounds=[(0, 1)] * 3, constraints=[whole]).x
    assert np.allclose(breiman_weights(said, values, prior, 4.0), direct, atol=1e-3)
    assert np.allclose(breiman_weights(said, values, prior, 1e9), prior, atol=1e-6)


def test_a_regressor_among_classifiers_is_refused():
    x, y, domain = case(shuffled)
    with pytest.raises(ValueError, match="Ridge, which is no classifier"):
        WeightedSourcesClassifier(estimator=Ridge()).fit(x, y, sample_domain=domain)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [WeightedSourcesClassifier(estimator=LogisticRegression()), WeightedSourcesRegressor()], ids=["c", "r"]
)
def test_scikit_learn_contract(model):
    check_estimator(model)
