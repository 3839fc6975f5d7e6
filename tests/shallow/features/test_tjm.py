"""TJM: against the dense problem, its weights, and its invariances."""

import numpy as np
import pytest
from kernel_cases import direct_solution, joined, mmd_matrix, same_up_to_signs
from sklearn.utils.estimator_checks import check_estimator

from headstart.functional.kernels import kernel_matrix
from headstart.shallow.features.tjm import TJM

FREE = {"n_components": 3, "normalise": False, "strength": 0.5, "tolerance": 0.0}


def direct_tjm(gram: np.ndarray, n: int, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    mmd = mmd_matrix(np.zeros(n, dtype=int), None, len(gram) - n)
    weights = np.ones(len(gram))
    for _ in range(rounds):
        mapped = direct_solution(gram, mmd, 0.5 * np.diag(weights), 3)
        lengths = np.linalg.norm(np.linalg.solve(gram, mapped), axis=1)
        weights[:n] = 1 / (2 * lengths[:n])
    return mapped, lengths[:n]


@pytest.mark.parametrize("rounds", [1, 3])
def test_rounds_are_those_of_the_dense_problem(rounds: int):
    X, y, domain, _ = joined()
    mapped, lengths = direct_tjm(kernel_matrix(X, X, "rbf", 1.0), 40, rounds)
    tjm = TJM(kernel="rbf", width=1.0, n_iterations=rounds, **FREE)
    assert same_up_to_signs(tjm.fit_transform(X, y, sample_domain=domain), mapped, 1e-5)
    assert np.allclose(tjm.source_weights_, lengths / lengths.mean(), rtol=1e-4)


def test_source_rows_far_from_the_target_count_less():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(40, 3)), rng.normal(size=(10, 3)) + 6, rng.normal(size=(50, 3))])
    domain = np.repeat([1, -1], [50, 50])
    tjm = TJM(kernel="rbf", n_components=2, strength=1e-2).fit(X, np.zeros(100, dtype=int), sample_domain=domain)
    assert tjm.source_weights_[40:].mean() < 0.5 * tjm.source_weights_[:40].mean()


@pytest.mark.parametrize("landmarks", [None, 25])
def test_order_of_rows_never_matters_targets_first_included(landmarks: int | None):
    X, y, domain, _ = joined()
    tjm = TJM(kernel="rbf", landmarks=landmarks, **FREE)
    straight = tjm.fit(X, y, sample_domain=domain).transform(X, sample_domain=domain)
    mixed = tjm.fit(X[::-1], y[::-1], sample_domain=domain[::-1]).transform(X, sample_domain=domain)
    assert np.allclose(straight, mixed, atol=1e-6)


def test_primal_has_no_coefficients_to_weigh():
    X, y, domain, _ = joined()
    with pytest.raises(ValueError, match="kernel is 'primal'"):
        TJM(kernel="primal").fit(X, y, sample_domain=domain)


def test_contracts():
    check_estimator(TJM())
