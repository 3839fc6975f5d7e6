import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.joining import join
from headstart.shallow.relations.label_map import LabelMap, identity_prior, label_map, leep_map


def blobs(n, k=4, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % k
    return rng.normal(size=(n, 2)) + 6 * np.column_stack([np.cos(labels), np.sin(labels)]), labels


def test_leep_is_the_table_of_counts_where_the_source_is_sure():
    hard, labels = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 1, 0, 0, 0, 1])
    assert np.allclose(leep_map(np.eye(3)[hard], labels, 2), [[1 / 3, 2 / 3], [1, 0], [0, 1]])


def test_one_round_from_the_uniform_start_is_leep():
    rng = np.random.default_rng(0)
    outputs, labels = rng.dirichlet(np.ones(3), 40), rng.integers(2, size=40)
    once = label_map(outputs, labels, np.full((3, 2), 0.5), 0.0, rounds=1)
    assert np.allclose(once, leep_map(outputs, labels, 2))


def test_the_map_is_the_optimum_that_a_general_solver_finds():
    rng = np.random.default_rng(1)
    outputs, labels = rng.dirichlet(np.ones(3), 60), rng.integers(3, size=60)
    prior, strength = np.full((3, 3), 1 / 3), 2.0
    found = label_map(outputs, labels, prior, strength, rounds=5000)

    def loss(current):
        p = (outputs @ current)[np.arange(60), labels]
        return -np.log(p).sum() - strength * (prior * np.log(current)).sum()

    direct = minimize(lambda flat: loss(softmax(flat.reshape(3, 3), axis=1)), np.zeros(9)).fun
    assert np.isclose(loss(found), direct, atol=1e-3)


def test_rounds_undo_the_blur_of_unsure_outputs():
    rng = np.random.default_rng(0)
    hidden = rng.integers(3, size=4000)
    outputs = rng.dirichlet(np.ones(3), 4000)
    hidden = (outputs.cumsum(axis=1) > rng.random(4000)[:, None]).argmax(axis=1)
    true = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    labels = true[hidden].argmax(axis=1)
    sharp = label_map(outputs, labels, np.full((3, 3), 1 / 3), 0.1, rounds=300)
    assert np.abs(sharp - true).max() < 0.1 < np.abs(leep_map(outputs, labels, 3) - true).max()


def test_names_that_agree_are_kept_and_others_are_not():
    assert (identity_prior(np.array([0, 1]), np.array([1, 1, 2]), 3) == np.eye(3)).all()
    assert np.allclose(identity_prior(np.array([0, 1]), np.array([2, 2, 3]), 4), [[0, 0, 2 / 3, 1 / 3]] * 4)


def test_other_class_names_are_learned_from_a_few_labels():
    source, labels = blobs(200)
    target, truth = blobs(120, seed=1)
    names = np.array(["a", "b", "c", "d"])
    coarse = np.array(["left", "right", "right", "left"])
    seen = np.where(np.arange(120) < 12, coarse[truth], None)
    model = LabelMap().fit(*join(source, names[labels].astype(object), target, seen))
    assert set(model.predict(target)) == {"left", "right"}
    assert (model.predict(target) == coarse[truth]).mean() > 0.97
    assert set(model.predict(source, sample_domain=np.ones(200))) == set(names)


def test_swapped_names_are_learned_and_absent_ones_kept():
    source, labels = blobs(200)
    target, truth = blobs(200, seed=1)
    swapped = np.array([1, 0, 2, 3])[truth]
    X, y, domain = join(source, labels, target, np.where((np.arange(200) < 24) & (truth < 3), swapped, -1))
    model = LabelMap().fit(X, y, sample_domain=domain)
    assert (model.predict(target) == swapped).mean() > 0.97


def test_without_target_labels_it_is_the_source_model():
    source, labels = blobs(200)
    target, _ = blobs(50, seed=1)
    model = LabelMap(estimator=LogisticRegression()).fit(*join(source, labels, target))
    assert (model.map_ == np.eye(4)).all()
    assert np.allclose(model.predict_proba(target), model.model_.predict_proba(target))


@pytest.mark.slow
def test_scikit_learn_contract():
    check_estimator(LabelMap(estimator=LogisticRegression()))
