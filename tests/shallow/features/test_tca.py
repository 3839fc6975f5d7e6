"""TCA: against the dense dual problem, its invariances, and what it does to a shift."""

import numpy as np
import pytest
from kernel_cases import direct_solution, joined, mmd_matrix, same_up_to_signs, two_domains
from scipy import sparse
from sklearn.utils.estimator_checks import check_estimator

from headstart.checks.domains import check_domain_method
from headstart.functional.kernels import kernel_matrix
from headstart.shallow.features.tca import TCA


@pytest.mark.parametrize("kernel", ["linear", "rbf", "laplacian"])
def test_dual_problem_is_the_papers(kernel: str):
    X, y, domain, _ = joined(d=4)
    gram = kernel_matrix(X, X, kernel, 3.0)
    expected = direct_solution(gram, mmd_matrix(y[domain > 0], None, 30), 0.5 * np.eye(70), 3)
    tca = TCA(kernel=kernel, width=3.0, strength=0.5, n_components=3, normalise=False)
    assert same_up_to_signs(tca.fit_transform(X, y, sample_domain=domain), expected, 1e-5)
    assert tca.approximation_ == "exact"


@pytest.mark.parametrize("method", [TCA(n_components=3), TCA(n_components=3, kernel="rbf", landmarks=20)])
def test_order_of_rows_never_matters_targets_first_included(method: TCA):
    X, y, domain, _ = joined()
    straight = method.fit(X, y, sample_domain=domain).transform(X, sample_domain=domain)
    for order in (np.arange(len(X))[::-1], np.random.default_rng(0).permutation(len(X))):
        mixed = method.fit(X[order], y[order], sample_domain=domain[order])
        assert np.allclose(mixed.transform(X[order], sample_domain=domain[order]), straight[order], atol=1e-7)


def test_means_come_together_while_the_spread_stays():
    X, y, domain, _ = joined(n=60, m=60)
    tca = TCA(n_components=2, strength=1e-3, normalise=False)
    mapped = tca.fit_transform(X, y, sample_domain=domain)
    before = np.linalg.norm(X[domain > 0].mean(0) - X[domain < 0].mean(0)) / X.std()
    after = np.linalg.norm(mapped[domain > 0].mean(0) - mapped[domain < 0].mean(0)) / mapped.std()
    assert after < 0.1 * before
    assert (mapped.std(axis=0) > 0.05).all()


def test_labels_are_not_used_and_sparse_rows_give_the_same():
    X, y, domain, target_y = joined()
    X = np.where(X > 0, X, 0)
    plain = TCA(n_components=3).fit_transform(X, y, sample_domain=domain)
    other = np.append((y[domain > 0] + 1) % 3, target_y)
    assert np.array_equal(plain, TCA(n_components=3).fit_transform(X, other, sample_domain=domain))
    thin = TCA(n_components=3).fit_transform(sparse.csr_matrix(X), y, sample_domain=domain)
    assert np.allclose(plain, thin, atol=1e-8)


def test_unit_length_is_asked_for_or_follows_the_number_of_features():
    X, y, domain, _ = joined(d=30)
    lengths = np.linalg.norm(TCA().fit_transform(X, y, sample_domain=domain), axis=1)
    assert np.allclose(lengths, 1)
    free = TCA(n_components=5).fit_transform(X, y, sample_domain=domain)
    assert np.linalg.norm(free, axis=1).std() > 1e-3


def test_more_features_than_rows_and_landmarks_are_stated():
    source, y, target, _ = two_domains(n=12, m=10, d=200)
    X, labels, domain = np.concatenate([source, target]), np.append(y, [-1] * 10), np.repeat([1, -1], [12, 10])
    assert TCA().fit(X, labels, sample_domain=domain).transform(target).shape == (10, 20)
    forced = TCA(landmarks=6).fit(X, labels, sample_domain=domain)
    assert forced.approximation_ == "nystroem, 6 landmarks of 22 rows"
    assert forced.transform(target).shape == (10, 6)


def test_a_strength_of_zero_is_refused():
    X, y, domain, _ = joined()
    with pytest.raises(ValueError, match="strength is 0"):
        TCA(strength=0).fit(X, y, sample_domain=domain)


def test_contracts():
    check_estimator(TCA())
    check_domain_method(lambda: TCA(kernel="rbf"), kind="regression")
