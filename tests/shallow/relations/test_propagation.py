import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_moons
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.joining import join
from headstart.shallow.relations.propagation import (
    JointLabelPropagationClassifier,
    JointLabelPropagationRegressor,
    bridges,
    harmonic,
    neighbour_graph,
    propagate,
)


def test_the_flow_is_the_direct_solve():
    rng = np.random.default_rng(0)
    weights = rng.random((12, 12))
    weights = np.triu(weights, 1) + np.triu(weights, 1).T
    targets, known = np.eye(3)[rng.integers(3, size=12)], np.arange(12) < 6
    degree = weights.sum(axis=1)
    spread = np.linalg.inv(np.eye(12) - 0.9 * weights / np.sqrt(np.outer(degree, degree)))
    flow = spread @ (targets * known[:, None])
    found = propagate(sparse.csr_matrix(weights), targets, known, alpha=0.9)
    assert np.allclose(found, flow / flow.sum(axis=1, keepdims=True), atol=1e-6)


def test_nothing_flows_at_alpha_0_and_lonely_rows_get_the_mean():
    found = propagate(sparse.csr_matrix((3, 3)), np.array([[1.0], [3.0], [0.0]]), np.array([True, True, False]), 0.0)
    assert np.allclose(found[:, 0], [1, 3, 2])


def test_the_harmonic_function_is_the_direct_solve_and_keeps_units():
    rows = np.random.default_rng(0).normal(size=(40, 2))
    weights = neighbour_graph(rows, 6).weights
    known = np.arange(40) % 4 == 0
    values = rows[:, :1]
    dense = weights.toarray()
    laplacian = np.diag(dense.sum(axis=1)) - dense
    direct = np.linalg.solve(laplacian[~known][:, ~known], dense[~known][:, known] @ values[known])
    found = harmonic(weights, values, known)
    assert np.allclose(found[~known], direct, atol=1e-5)
    assert (found[known] == values[known]).all()
    assert np.allclose(harmonic(weights, 3 * values + 7, known), 3 * found + 7, atol=1e-5)


def test_an_island_without_labels_gets_the_mean():
    weights = sparse.block_diag([np.ones((3, 3)) - np.eye(3)] * 2, format="csr")
    found = harmonic(weights, np.array([[1.0], [4.0], [0], [0], [0], [0]]), np.arange(6) < 2)
    assert np.allclose(found[:, 0], [1, 4, 2.5, 2.5, 2.5, 2.5])


def test_the_graph_is_symmetric_without_loops_and_blind_to_scale():
    rows = np.random.default_rng(0).normal(size=(50, 3))
    graph = neighbour_graph(rows, 5)
    assert (graph.weights != graph.weights.T).nnz == 0
    assert graph.weights.diagonal().max() == 0
    assert np.allclose(neighbour_graph(1000 * rows, 5).weights.toarray(), graph.weights.toarray())


def test_bridges_reach_a_far_target():
    rows = np.random.default_rng(0).normal(size=(30, 2))
    across = bridges(rows, rows + 1e4, 2)
    assert (np.diff(across.indptr)[30:] >= 2).all()
    assert across[:30, :30].nnz == across[30:, 30:].nnz == 0


def turned_moons(angle):
    rows, labels = make_moons(300, noise=0.06, random_state=0)
    other, truth = make_moons(300, noise=0.06, random_state=1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return rows, labels, (other - rows.mean(axis=0)) @ turn.T + rows.mean(axis=0), truth


def test_labels_follow_the_targets_own_shape():
    source, labels, target, truth = turned_moons(np.deg2rad(15))
    X, y, domain = join(source, labels, target)
    model = JointLabelPropagationClassifier().fit(X, y, sample_domain=domain)
    alone = (TunedLogistic().fit(source, labels).predict(target) == truth).mean()
    assert (model.predict(target) == truth).mean() > max(alone, 0.95)
    rng = np.random.default_rng(0)
    assert (model.predict(target + 0.01 * rng.normal(size=target.shape)) == truth).mean() > 0.95


def test_known_target_labels_flow_too():
    source, labels, target, truth = turned_moons(np.deg2rad(75))
    few = np.where(np.arange(300) < 60, truth, -1)
    accuracy = [
        (JointLabelPropagationClassifier().fit(*join(source, labels, target, given)).predict(target[60:]) == truth[60:])
        for given in (None, few)
    ]
    assert accuracy[1].mean() > accuracy[0].mean() + 0.1


def test_a_regression():
    rng = np.random.default_rng(0)
    source, target = rng.uniform(0, 3, size=(300, 1)), rng.uniform(0, 3, size=(200, 1))
    model = JointLabelPropagationRegressor().fit(*join(source, np.sin(source[:, 0]), target))
    assert np.abs(model.predict(target) - np.sin(target[:, 0])).max() < 0.15


def test_the_approximation_is_stated_and_near_the_exact_one():
    source, labels, target, _ = turned_moons(np.deg2rad(15))
    data = join(source, labels, target)
    exact, near = (JointLabelPropagationClassifier(exact=e).fit(*data) for e in (None, False))
    assert exact.approximation_ == "exact"
    assert "cells of 600 rows" in near.approximation_
    assert (exact.predict(target) == near.predict(target)).mean() > 0.97


@pytest.mark.parametrize(("options", "words"), [({"alpha": 1.0}, "alpha is 1.0"), ({"neighbours": 0}, "neighbours is")])
def test_what_makes_no_sense_is_refused(options, words):
    source, labels, target, _ = turned_moons(0.1)
    with pytest.raises(ValueError, match=words):
        JointLabelPropagationClassifier(**options).fit(*join(source, labels, target))


@pytest.mark.slow
@pytest.mark.parametrize("model", [JointLabelPropagationClassifier(), JointLabelPropagationRegressor()], ids=["c", "r"])
def test_scikit_learn_contract(model):
    check_estimator(model)
