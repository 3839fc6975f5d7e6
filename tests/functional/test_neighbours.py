import numpy as np
from scipy import sparse
from scipy.spatial.distance import cdist

from headstart.functional.neighbours import nearest_rows


def test_exact_neighbours_are_those_of_all_distances():
    rng = np.random.default_rng(0)
    rows, queries = rng.normal(size=(300, 4)), rng.normal(size=(50, 4))
    found = nearest_rows(queries, rows, 7)
    every = cdist(queries, rows)
    assert (found.rows == np.argsort(every, axis=1)[:, :7]).all()
    assert np.allclose(found.distances, np.sort(every, axis=1)[:, :7])
    assert found.approximation == "exact"
    thin = nearest_rows(sparse.csr_matrix(queries), sparse.csr_matrix(rows), 7)
    assert (thin.rows == found.rows).all()


def test_cells_find_nearly_all_neighbours_at_their_true_distances():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1500, 5))
    exact, near = nearest_rows(rows, rows, 10), nearest_rows(rows, rows, 10, exact=False)
    same = np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(exact.rows, near.rows, strict=True)])
    assert same > 0.85
    assert np.allclose(near.distances, np.linalg.norm(rows[:, None] - rows[near.rows], axis=2), atol=1e-6)
    assert near.approximation == "8 nearest of 38 cells of 1500 rows"


def test_more_neighbours_than_the_cells_hold_are_still_found():
    rows = np.random.default_rng(0).normal(size=(30, 2))
    found = nearest_rows(rows, rows, 30, exact=False)
    assert (np.sort(found.rows, axis=1) == np.arange(30)).all()
