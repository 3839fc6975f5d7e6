"""JDA and BDA: against the dense problem round by round, and what binds them to TCA and to each other."""

import numpy as np
import pytest
from kernel_cases import direct_solution, joined, mmd_matrix, same_up_to_signs
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.features.bda import BDA
from headstart.shallow.features.jda import JDA
from headstart.shallow.features.tca import TCA

SMALL = {"n_components": 3, "normalise": False}


def direct_jda(X: np.ndarray, labels: np.ndarray, rounds: int, strength: float) -> np.ndarray:
    n = len(labels)
    gram, pseudo = X @ X.T, None
    for _ in range(rounds):
        mmd = mmd_matrix(labels, pseudo, len(X) - n)
        mapped = direct_solution(gram, mmd, strength * np.eye(len(X)), 3)
        pseudo = KNeighborsClassifier(1).fit(mapped[:n], labels).predict(mapped[n:])
    return mapped


@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_rounds_are_those_of_the_dense_problem(rounds: int):
    X, y, domain, _ = joined(seed=3)
    jda = JDA(kernel="linear", strength=0.5, n_iterations=rounds, **SMALL)
    mapped = jda.fit_transform(X, y, sample_domain=domain)
    done = direct_jda(X, y[domain > 0], jda.n_iter_, 0.5)
    assert same_up_to_signs(mapped, done, 1e-5)


def test_balance_ties_the_three_methods():
    X, y, domain, _ = joined(seed=4)
    half = BDA(balance=0.5, **SMALL).fit_transform(X, y, sample_domain=domain)
    assert np.allclose(half, JDA(**SMALL).fit_transform(X, y, sample_domain=domain))
    none = BDA(balance=0.0, **SMALL).fit_transform(X, y, sample_domain=domain)
    assert np.allclose(none, TCA(**SMALL).fit_transform(X, y, sample_domain=domain))
    estimated = BDA(**SMALL).fit(X, y, sample_domain=domain)
    assert estimated.balance_
    assert all(0 <= share <= 1 for share in estimated.balance_)
    shares = BDA(by_share=True, balance=0.5, **SMALL).fit_transform(X[:-8], y[:-8], sample_domain=domain[:-8])
    assert not np.allclose(shares, BDA(balance=0.5, **SMALL).fit_transform(X[:-8], y[:-8], sample_domain=domain[:-8]))


def test_known_target_labels_are_kept_and_any_classifier_can_label():
    X, y, domain, target_y = joined(seed=5)
    wrong = (target_y + 1) % 3
    y = np.append(y[domain > 0], np.where(np.arange(30) < 10, wrong, -1))
    jda = JDA(**SMALL, classifier=LogisticRegression()).fit(X, y, sample_domain=domain)
    assert (jda.pseudo_labels_[:10] == wrong[:10]).all()


def test_what_cannot_be_is_refused_in_a_sentence():
    X, y, domain, _ = joined()
    with pytest.raises(ValueError, match="JDA aligns classes and y holds continuous values"):
        JDA().fit(X, np.where(domain > 0, y + 0.5, np.nan), sample_domain=domain)
    with pytest.raises(ValueError, match="balance is 2"):
        BDA(balance=2).fit(X, y, sample_domain=domain)


@pytest.mark.parametrize("method", [JDA, BDA])
def test_contracts(method: type):
    check_estimator(method())
