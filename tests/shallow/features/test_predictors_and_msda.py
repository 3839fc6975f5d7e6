"""EasyTL, semi-supervised feature augmentation, and denoising autoencoders."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog
from sklearn.utils.estimator_checks import check_estimator

from headstart.functional.temperature import fit_steepness
from headstart.shallow.domains import Domains
from headstart.shallow.features.easytl import EasyTL, intra_domain_programming
from headstart.shallow.features.feda_semi import (
    SemiSupervisedAugmentation,
    SemiSupervisedAugmentationRegressor,
    coupled_ridge,
)
from headstart.shallow.features.msda import MSDA, denoising_map, grouped_denoising_map
from headstart.shallow.joining import join

rng = np.random.default_rng(0)


@pytest.mark.slow
@pytest.mark.parametrize("cls", [EasyTL, SemiSupervisedAugmentation, SemiSupervisedAugmentationRegressor])
def test_is_a_scikit_learn_estimator(cls):
    check_estimator(cls())


def linear_programme(distances):
    """Solve the programme as it is written."""
    m, k = distances.shape
    rows = np.kron(np.eye(m), np.ones(k))
    classes = np.kron(np.ones(m), np.eye(k))
    found = linprog(distances.ravel(), A_ub=-classes, b_ub=-np.ones(k), A_eq=rows, b_eq=np.ones(m), bounds=(0, 1))
    return found.fun


@pytest.mark.parametrize("seed", range(6))
def test_intra_domain_programming_is_the_linear_programme(seed):
    draw = np.random.default_rng(seed)
    distances = draw.random((12, 5)) + np.array([0, 0, 0.8, 1.5, 1.0])  # classes that are nobody's nearest
    labels, prices = intra_domain_programming(distances)
    assert len(np.unique(distances.argmin(axis=1))) < 5
    assert len(np.unique(labels)) == 5
    np.testing.assert_allclose(distances[np.arange(12), labels].sum(), linear_programme(distances), atol=1e-8)
    np.testing.assert_array_equal((distances - prices).argmin(axis=1), labels)
    assert (prices >= -1e-12).all()


def test_intra_domain_programming_is_the_nearest_class_where_none_is_empty():
    distances = rng.random((200, 3))
    labels, prices = intra_domain_programming(distances)
    np.testing.assert_array_equal(labels, distances.argmin(axis=1))
    assert not prices.any()


def test_fewer_rows_than_classes():
    distances = rng.random((2, 5))
    np.testing.assert_array_equal(intra_domain_programming(distances)[0], distances.argmin(axis=1))


def test_easytl_predicts_what_the_programme_assigned():
    labels = np.arange(60) % 4
    source = 2 * np.eye(4)[labels] + rng.normal(size=(60, 4))
    target = 2 * np.eye(4)[np.arange(30) % 3] + rng.normal(size=(30, 4)) - [0, 0, 0, 6]  # class 3 is nobody's nearest
    X, y, domain = join(source, labels, target)
    fitted = EasyTL(align="none").fit(X, y, sample_domain=domain)
    distances = np.linalg.norm(target[:, None] - fitted.centres_, axis=2)
    expected, prices = intra_domain_programming(distances)
    assert prices.any()
    np.testing.assert_array_equal(fitted.predict(target), expected)
    np.testing.assert_allclose(fitted.prices_, prices)


def test_easytl_uses_labels_of_the_target():
    labels = np.arange(40) % 2
    source = np.column_stack([4.0 * labels - 2, np.zeros(40)]) + 0.3 * rng.normal(size=(40, 2))
    target = -source  # the classes have changed sides
    fitted = EasyTL(align="none").fit(*join(source, labels, target, labels)[:2], sample_domain=np.repeat([1, -1], 40))
    blind = EasyTL(align="none").fit(*join(source, labels, target)[:2], sample_domain=np.repeat([1, -1], 40))
    assert np.abs(fitted.centres_).max() < 0.3 < np.abs(blind.centres_).max()


@pytest.mark.parametrize(
    "method", [EasyTL(align="gfk"), EasyTL(regularisation=-1), SemiSupervisedAugmentation(agreement=-1)]
)
def test_what_is_refused(method):
    X, y, domain = join(rng.normal(size=(10, 2)), np.arange(10) % 2, rng.normal(size=(5, 2)))
    with pytest.raises(ValueError, match="expected"):
        method.fit(X, y, sample_domain=domain)


def test_steepness_is_the_likeliest():
    truth = 3.0
    scores = rng.normal(size=(4000, 3))
    p = np.exp(truth * scores)
    labels = (p.cumsum(axis=1) / p.sum(axis=1, keepdims=True) < rng.random((4000, 1))).sum(axis=1)
    assert abs(fit_steepness(scores, labels) - truth) < 0.2


@pytest.mark.parametrize("d", [3, 40])  # both sides of the ridge: features, rows
def test_coupled_ridge_is_the_direct_solve_of_augmented_rows(d):
    source, target = rng.normal(size=(15, d)), rng.normal(size=(10, d))
    values, shown = rng.normal(size=15), np.array([0.5, -1.0] + [np.nan] * 8)
    domains = Domains(source, values, target, shown, np.ones(15))
    wanted = np.append(values, [0.5, -1.0])[:, None]
    model = coupled_ridge(domains, wanted, agreement=0.7, strengths=(0.05,))
    scaled = lambda rows: np.column_stack([(rows - model.mean) / model.scale, np.ones(len(rows))])  # noqa: E731
    s, t, u = scaled(source), scaled(target[:2]), np.sqrt(0.7) * scaled(target[2:])  # 17 labelled rows, 8 not
    rows = np.block([[s, s, 0 * s], [t, 0 * t, t], [0 * u, u, -u]])
    y = np.concatenate([wanted[:, 0] - wanted.mean(), np.zeros(8)])
    weights = np.linalg.solve(rows.T @ rows + 17 * 0.05 * np.eye(rows.shape[1]), rows.T @ y)
    w, v_s, v_t = np.split(weights, 3)
    np.testing.assert_allclose(model.source[:, 0], w + v_s, atol=1e-8)
    np.testing.assert_allclose(model.target[:, 0], w + v_t, atol=1e-8)
    keep = np.delete(np.arange(25), 16)
    less = np.linalg.solve(rows[keep].T @ rows[keep] + 17 * 0.05 * np.eye(rows.shape[1]), rows[keep].T @ y[keep])
    np.testing.assert_allclose(model.left_out[16, 0], rows[16] @ less + wanted.mean(), atol=1e-7)


def test_agreement_brings_the_domains_models_together():
    source, target = rng.normal(size=(60, 3)), rng.normal(size=(60, 3))
    labels = (source[:, 0] > 0).astype(int)
    shown = np.where(np.arange(60) < 6, (target[:, 1] > 0).astype(int), -1)
    X, y, domain = join(source, labels, target, shown)
    gaps = []
    for agreement in (0.0, 1.0, 100.0):
        model = SemiSupervisedAugmentation(agreement=agreement).fit(X, y, sample_domain=domain)
        gap = model.model_(target, True) - model.model_(target, False)
        gaps.append(float(np.abs(gap).mean()))
    assert gaps[0] > gaps[1] > gaps[2]


def test_denoising_map_is_the_limit_of_many_corruptions():
    rows = rng.random((30, 4))
    kept = np.random.default_rng(1).random((20000, 30, 4)) > 0.4
    corrupted = np.concatenate([rows * kept, np.ones((20000, 30, 1))], axis=2).reshape(-1, 5)
    expected = np.linalg.solve(corrupted.T @ corrupted, corrupted.T @ np.tile(rows, (20000, 1)))
    np.testing.assert_allclose(denoising_map(rows, 0.4, ridge=0.0), expected, atol=0.01)


def test_denoising_map_of_some_outputs_and_of_groups():
    rows = rng.random((50, 12))
    outputs = np.array([1, 4, 7])
    whole = denoising_map(rows, 0.3)
    np.testing.assert_allclose(denoising_map(rows, 0.3, outputs), whole[:, outputs], atol=1e-10)
    np.testing.assert_allclose(grouped_denoising_map(rows, 0.3, outputs, groups=1), whole[:, outputs], atol=1e-10)
    parts = grouped_denoising_map(rows, 0.3, outputs, groups=3, seed=2)
    thin = grouped_denoising_map(sparse.csr_matrix(rows), 0.3, outputs, groups=3, seed=2)
    np.testing.assert_allclose(parts, thin, atol=1e-9)
    guess = np.column_stack([rows, np.ones(50)]) @ parts
    assert np.square(guess - rows[:, outputs]).mean() < np.var(rows[:, outputs], axis=0).mean()  # better than the mean


def test_msda_fills_in_a_word_that_only_one_domain_has():
    """Two words that go together in the source stand for each other in the target, where one is never used."""
    topic = rng.random(400) < 0.5
    words = np.column_stack([topic, topic, ~topic, rng.random(400) < 0.3]).astype(float)
    words[200:, 0] = 0
    fitted = MSDA(n_layers=1, keep_input=False).fit(words, None, sample_domain=np.repeat([1, -1], 200))
    filled = fitted.transform(words[200:])[:, 0]
    assert filled[topic[200:]].min() > filled[~topic[200:]].max()


def test_msda_layers_and_their_names():
    X, domain = rng.random((40, 6)), np.repeat([1, -1], 20)
    fitted = MSDA(n_layers=2).fit(X, None, sample_domain=domain)
    out = fitted.transform(X)
    scaled = X / X.max(axis=0)
    np.testing.assert_allclose(out[:, :6], scaled)
    np.testing.assert_allclose(out[:, 6:12], np.tanh(scaled @ fitted.weights_[0][:6] + fitted.weights_[0][6]))
    assert out.shape == (40, 18)
    assert fitted.approximation_ == "exact"
    assert MSDA(n_outputs=2).fit(X, None, sample_domain=domain).approximation_ == "2 of 6 features reconstructed"


@pytest.mark.parametrize("method", [MSDA(n_layers=0), MSDA(corruption=1.0), MSDA(n_outputs=0)])
def test_msda_refuses(method):
    with pytest.raises(ValueError, match="expected"):
        method.fit(rng.random((10, 2)), None, sample_domain=np.repeat([1, -1], 5))
