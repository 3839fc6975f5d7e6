"""Kernels and their coordinates against direct formulas."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist

from headstart.functional.kernels import (
    choose_landmarks,
    kernel_basis,
    kernel_matrix,
    typical_width,
    unit_rows,
)


@pytest.fixture
def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, 6))


def test_kernels_are_their_formulas(rows: np.ndarray):
    other = rows[:7] + 1
    distance = cdist(rows, other)
    assert np.allclose(kernel_matrix(rows, other, "linear"), rows @ other.T)
    assert np.allclose(kernel_matrix(rows, other, "rbf", 2.0), np.exp(-(distance**2) / 8))
    assert np.allclose(kernel_matrix(rows, other, "laplacian", 2.0), np.exp(-distance / 2))
    with pytest.raises(ValueError, match="kernel is 'cubic'"):
        kernel_matrix(rows, other, "cubic")


@pytest.mark.parametrize("kernel", ["linear", "rbf", "laplacian"])
def test_sparse_rows_give_what_dense_rows_give(rows: np.ndarray, kernel: str):
    rows = np.where(rows > 0, rows, 0)
    dense, thin = kernel_basis(rows, kernel), kernel_basis(sparse.csr_matrix(rows), kernel)
    assert np.allclose(dense(rows) @ dense(rows).T, thin(sparse.csr_matrix(rows)) @ thin(rows).T, atol=1e-8)
    assert np.allclose(unit_rows(sparse.csr_matrix(rows)).toarray(), unit_rows(rows))


@pytest.mark.parametrize("d", [3, 60])
def test_exact_coordinates_reproduce_the_kernel(d: int):
    rows = np.random.default_rng(1).normal(size=(30, d))
    for kernel in ("linear", "rbf"):
        basis = kernel_basis(rows, kernel, width=np.sqrt(d))
        assert basis.approximation == "exact"
        assert np.allclose(basis(rows) @ basis(rows).T, kernel_matrix(rows, rows, kernel, np.sqrt(d)), atol=1e-7)


def test_landmarks_reproduce_their_own_gram_matrix_and_say_so(rows: np.ndarray):
    basis = kernel_basis(rows, "rbf", width=2.0, landmarks=15)
    marks = choose_landmarks(rows, 15)
    assert np.allclose(basis(marks) @ basis(marks).T, kernel_matrix(marks, marks, "rbf", 2.0), atol=1e-8)
    assert basis.approximation == "nystroem, 15 landmarks of 40 rows"
    error = basis(rows) @ basis(rows).T - kernel_matrix(rows, rows, "rbf", 2.0)
    assert np.linalg.eigvalsh(error).max() < 1e-10  # Nystroem never overestimates
    assert np.linalg.norm(error) < 0.25 * np.linalg.norm(kernel_matrix(rows, rows, "rbf", 2.0))
    with pytest.raises(ValueError, match="landmarks is 0"):
        kernel_basis(rows, "rbf", landmarks=0)


def test_landmarks_and_width_do_not_depend_on_the_order_of_rows(rows: np.ndarray):
    order = np.random.default_rng(2).permutation(len(rows))
    assert np.array_equal(choose_landmarks(rows, 9), choose_landmarks(rows[order], 9))
    assert not np.array_equal(choose_landmarks(rows, 9), choose_landmarks(rows, 9, seed=1))
    many = np.random.default_rng(3).normal(size=(1500, 2))
    assert typical_width(many) == pytest.approx(typical_width(many[::-1]))
