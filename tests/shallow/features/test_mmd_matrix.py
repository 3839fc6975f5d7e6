"""The MMD matrix as vectors, and the small eigenproblem, against the large ones."""

import numpy as np
import pytest
from kernel_cases import mmd_matrix, same_up_to_signs
from scipy.linalg import eigh

from headstart.shallow.features.mmd_matrix import (
    aligned_directions,
    leading_ratio,
    mean_differences,
    penalised_coefficients,
    penalised_map,
)

LABELS, PSEUDO = np.arange(20) % 3, (np.arange(13) ** 2) % 4 % 3


@pytest.mark.parametrize("balance", [0.0, 0.3, 1.0])
def test_vectors_make_the_matrix(balance: float):
    vectors = mean_differences(LABELS, PSEUDO, 13, 3, balance=balance)
    assert vectors.shape == (33, 4 if len(np.unique(PSEUDO)) == 3 else 3)
    assert np.allclose(vectors @ vectors.T, mmd_matrix(LABELS, PSEUDO, 13, balance))
    alone = mean_differences(LABELS, None, 13, 3)
    assert np.allclose(alone @ alone.T, mmd_matrix(LABELS, None, 13))


def test_a_class_that_one_domain_lacks_is_left_out():
    vectors = mean_differences(LABELS, np.zeros(13, dtype=int), 13, 3)
    assert np.allclose(vectors @ vectors.T, mmd_matrix(LABELS, np.zeros(13, dtype=int), 13))
    assert vectors.shape[1] == 2


def test_shares_weigh_the_classes():
    labels, pseudo = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1])
    vectors = mean_differences(labels, pseudo, 4, 2, balance=1.0, by_share=True)[:, 1:]
    expected = np.array([[np.sqrt(0.75) / 3] * 3 + [0] + [-np.sqrt(0.25)] + [0] * 3])
    assert np.allclose(vectors[:, 0] / vectors[0, 0], expected[0] / expected[0, 0])


@pytest.mark.parametrize("r", [12, 700])
def test_leading_ratio_is_the_generalised_eigenproblem(r: int):
    rng = np.random.default_rng(0)
    half, columns = rng.normal(size=(r, r)) / np.sqrt(r), rng.normal(size=(r, 3))
    scatter = half @ half.T + np.diag(np.linspace(0, 3, r))
    squares, vectors = eigh(scatter, np.eye(r) + columns @ columns.T, subset_by_index=(r - 4, r - 1))
    found = leading_ratio(scatter, columns, 4)
    assert same_up_to_signs(found, vectors[:, ::-1])
    assert np.allclose(np.diag(found.T @ scatter @ found), squares[::-1])


def test_both_penalties_are_the_problems_of_the_papers():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(33, 6))
    vectors = mean_differences(LABELS, PSEUDO, 13, 3)
    mmd, centre = vectors @ vectors.T, np.eye(33) - 1 / 33
    primal = eigh(rows.T @ centre @ rows, rows.T @ mmd @ rows + 0.7 * np.eye(6))[1][:, ::-1][:, :3]
    assert same_up_to_signs(aligned_directions(penalised_map(rows, 0.7), vectors, 3), primal)

    weights, kernel = rng.uniform(0.5, 2, 33), rows @ rows.T
    dual = eigh(kernel @ centre @ kernel, kernel @ mmd @ kernel + 0.7 * np.diag(weights))[1][:, ::-1][:, :3]
    found = rows @ aligned_directions(penalised_coefficients(rows, 0.7, weights), vectors, 3)
    assert same_up_to_signs(found, kernel @ dual)
