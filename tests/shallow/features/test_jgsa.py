"""JGSA: against the dense twin problem, and how close the two maps stay."""

import numpy as np
import pytest
from kernel_cases import joined, mmd_matrix, same_up_to_signs
from scipy.linalg import block_diag, eigh
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.features.jgsa import JGSA, class_scatters, twin_root


def direct_jgsa(source: np.ndarray, y: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return ``[A; B]`` of one round as the paper's equation 12 writes it, c = 2, v = 0.5, s = 0.1."""
    d = source.shape[1]
    pseudo = KNeighborsClassifier(1).fit(source, y).predict(target)
    means = np.stack([source[y == c].mean(0) for c in range(3)])[y]
    between, within = means - source.mean(0), source - means
    spread = target - target.mean(0)
    top = block_diag(0.1 * between.T @ between, 0.5 * spread.T @ spread)
    both = block_diag(source, target)
    whole = np.concatenate([np.full(40, 1 / 40), np.full(30, -1 / 30)])
    mmd = mmd_matrix(y, pseudo, len(target))
    alone = 3 * np.outer(whole, whole)
    for c in range(3):
        classes = np.concatenate([(y == c) / (y == c).sum(), (pseudo == c) / -(pseudo == c).sum()])
        alone += np.outer(classes, classes)
    assert np.allclose(mmd, alone / np.linalg.norm(alone))
    charge = both.T @ (alone / np.linalg.norm(3 * np.outer(whole, whole))) @ both
    charge += block_diag(0.1 * within.T @ within, 0.5 * np.eye(d))
    eye = np.eye(d)
    charge += 2 * np.block([[eye, -eye], [-eye, eye]])
    return eigh(top, charge)[1][:, ::-1][:, :3]


def test_one_round_is_the_dense_twin_problem():
    X, y, domain, _ = joined(seed=2)
    options = {"closeness": 2.0, "variance": 0.5, "n_components": 3, "n_iterations": 1}
    jgsa = JGSA(**options, normalise=False).fit(X, y, sample_domain=domain)
    found = np.concatenate([jgsa.source_map_.coefficients, jgsa.target_map_.coefficients])
    assert same_up_to_signs(found, direct_jgsa(X[:40], y[:40], X[40:]))


def test_root_and_scatters():
    rng = np.random.default_rng(0)
    rows, y = rng.normal(size=(20, 4)), np.arange(20) % 3
    between, within = class_scatters(rows, y, 4)
    centred = rows - rows.mean(axis=0)
    assert np.allclose(between + within, centred.T @ centred)
    root, eye = twin_root(within, 1.0, 0.1, 2.0), np.eye(4)
    charge = np.block([[eye + 0.1 * within, -eye], [-eye, 3 * eye]])
    assert np.allclose(root @ root.T, np.linalg.inv(charge))


def test_maps_come_together_as_closeness_grows():
    X, y, domain, _ = joined()
    apart = []
    for closeness in (0.1, 1e6):
        jgsa = JGSA(closeness=closeness, n_components=3, normalise=False).fit(X, y, sample_domain=domain)
        first, second = jgsa.source_map_.coefficients, jgsa.target_map_.coefficients
        apart.append(np.linalg.norm(first - second) / np.linalg.norm(second))
    assert apart[1] < 1e-3 < apart[0]


def test_order_of_rows_never_matters_targets_first_included():
    X, y, domain, _ = joined()
    jgsa = JGSA(n_components=3)
    straight = jgsa.fit(X, y, sample_domain=domain).transform(X, sample_domain=domain)
    mixed = jgsa.fit(X[::-1], y[::-1], sample_domain=domain[::-1]).transform(X, sample_domain=domain)
    assert np.allclose(straight, mixed, atol=1e-7)


def test_continuous_values_are_refused():
    X, y, domain, _ = joined()
    with pytest.raises(ValueError, match="JGSA aligns classes"):
        JGSA().fit(X, np.where(domain > 0, y + 0.5, np.nan), sample_domain=domain)


def test_contracts():
    check_estimator(JGSA())
