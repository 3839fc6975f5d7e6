"""MEDA and ARTL: against the dense dual system, their parts, and what they do to a shift."""

import numpy as np
import pytest
from kernel_cases import joined, mmd_matrix
from scipy.optimize import minimize
from sklearn.utils.estimator_checks import check_estimator

from headstart.functional.geodesic import geodesic_flow_kernel
from headstart.functional.kernels import kernel_basis, kernel_matrix, unit_rows
from headstart.shallow.domains import Domains
from headstart.shallow.features.artl import ARTL
from headstart.shallow.features.manifold_ridge import (
    Strengths,
    aligned_ridge,
    balance_factor,
    nearest_probabilities,
    neighbour_laplacian,
    proxy_a_distance,
)
from headstart.shallow.features.meda import MEDA, manifold_factor


def test_ridge_is_the_dense_dual_system():
    X, y, domain, _ = joined()
    labels, hidden = y[domain > 0], y[domain < 0]
    gram, laplacian = kernel_matrix(X, X, "rbf", 3.0), neighbour_laplacian(X, 5)
    pseudo = np.arange(30) % 3
    weights, found, _ = aligned_ridge(
        kernel_basis(X, "rbf", width=3.0)(X),
        laplacian,
        Domains(X[:40], labels, X[40:], hidden, np.ones(40)),
        3,
        Strengths(0.2, 10.0, 0.7),
        pseudo=pseudo,
        n_iterations=1,
        balance=lambda pseudo: 0.3,
    )
    seen = np.diag((domain > 0).astype(float))
    system = (seen + 10 * mmd_matrix(labels, pseudo, 30, 0.3) + 0.7 * laplacian.toarray()) @ gram + 0.2 * np.eye(70)
    dual = np.linalg.solve(system, seen @ np.eye(3)[y])
    scores = kernel_basis(X, "rbf", width=3.0)(X) @ weights
    assert np.allclose(scores, gram @ dual, atol=1e-7)
    assert np.array_equal(found, scores[40:].argmax(axis=1))


def test_manifold_features_have_the_geodesic_kernel_of_both_subspaces():
    X, _, domain, _ = joined(d=12)
    source, target = X[domain > 0], X[domain < 0]
    factor = manifold_factor(source, target, 4)
    axes = [np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][:4].T for rows in (source, target)]
    assert factor.shape == (12, 8)
    assert np.allclose(factor @ factor.T, geodesic_flow_kernel(*axes), atol=1e-8)


def test_laplacian_has_its_null_vector_and_drops_no_neighbour():
    rows = np.abs(np.random.default_rng(0).normal(size=(25, 3)))
    laplacian = neighbour_laplacian(rows, 4)
    weights = np.eye(25) - laplacian.toarray()
    squares = np.linalg.eigvalsh(laplacian.toarray())
    assert abs(squares[0]) < 1e-10
    assert squares[-1] <= 2
    assert np.allclose(weights, weights.T)
    cosine = unit_rows(rows) @ unit_rows(rows).T
    nearest = np.argsort(-cosine, axis=1)[:, :5]
    assert (np.take_along_axis(weights, nearest, axis=1) > 0).all()


def test_a_distance_and_balance_tell_where_the_shift_is():
    rng = np.random.default_rng(0)
    same, moved = rng.normal(size=(200, 3)), rng.normal(size=(200, 3)) + 6
    assert proxy_a_distance(same, rng.normal(size=(200, 3))) < 0.4
    assert proxy_a_distance(same, moved) > 1.9
    labels = np.arange(200) % 2
    rows = rng.normal(size=(200, 2)) * 0.3 + np.where(labels, 3, -3)[:, None]
    swapped = rng.normal(size=(200, 2)) * 0.3 + np.where(labels, -3, 3)[:, None]
    assert balance_factor(rows, labels, swapped, labels) > 0.8
    assert balance_factor(rows, labels, rows, labels) == 0.5


def test_probabilities_are_the_nearest_points_of_the_simplex():
    scores = np.array([[0.9, 0.2, -0.3], [-1.0, -2.0, -3.0], [0.2, 0.3, 0.1]])
    found = nearest_probabilities(scores)
    assert np.allclose(found.sum(axis=1), 1)
    assert (found > 0).all()
    assert np.array_equal(np.argsort(found[2]), np.argsort(scores[2]))
    simplex = {"type": "eq", "fun": lambda p: p.sum() - 1}
    for score, row in zip(scores, found, strict=True):
        start = np.full(3, 1 / 3)
        slow = minimize(lambda p, s=score: ((p - s) ** 2).sum(), start, bounds=[(0, 1)] * 3, constraints=[simplex]).x
        assert np.allclose(row, slow, atol=2e-3)


@pytest.mark.parametrize("method", [MEDA(), ARTL(), ARTL(kernel="linear")])
def test_a_moved_target_is_read_better_than_by_its_nearest_neighbours(method: MEDA | ARTL):
    rng = np.random.default_rng(1)
    y = np.arange(240) % 3
    X = 1.5 * rng.normal(size=(3, 20))[y] + rng.normal(size=(240, 20))
    X[120:] += rng.normal(size=20)
    labels, domain = np.where(np.arange(240) < 120, y, -1), np.repeat([1, -1], 120)
    score = (method.fit(X, labels, sample_domain=domain).predict(X[120:]) == y[120:]).mean()
    near = np.argmin(((X[120:, None] - X[None, :120]) ** 2).sum(axis=2), axis=1)
    assert score >= (y[near] == y[120:]).mean()
    assert score > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("method", [MEDA, ARTL])
def test_contracts(method: type):
    check_estimator(method())
