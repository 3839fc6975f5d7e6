"""Principal axes: one function, exact up to a size, for rows dense and sparse, centred or not."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from headstart.functional.spectral import principal_axes
from headstart.validators.density import leading_axes


def rows_of(n, d, rank=None, seed=0):
    """Rows whose directions fall off one by one, as those of ordinary features do."""
    rng = np.random.default_rng(seed)
    turned = np.linalg.qr(rng.normal(size=(d, d)))[0][: rank or d]
    return (rng.normal(size=(n, len(turned))) * 0.8 ** np.arange(len(turned))) @ turned + rng.normal(size=d)


def same_span(found, wanted):
    """Return how far axes [d, r] are from wanted ones, each up to its sign."""
    return np.abs(np.abs((found * wanted).sum(axis=0)) - 1).max()


@pytest.mark.parametrize("shape", [(60, 12), (12, 60), (200, 80), (80, 200)])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("count", [None, 5])
def test_axes_are_the_singular_vectors(shape, form, centred, count):
    rows = rows_of(*shape)
    left_out = rows.mean(axis=0) if centred else 0
    _, singular, wanted = np.linalg.svd(rows - left_out, full_matrices=False)
    found = principal_axes(form(rows), count, centred=centred)
    shown = min(count or 10, 10)
    assert found.exact
    assert same_span(found.axes[:, :shown], wanted[:shown].T) < 1e-9
    np.testing.assert_allclose(found.variances[:shown], singular[:shown] ** 2 / (len(rows) - 1), rtol=1e-9)
    np.testing.assert_allclose(found.mean, left_out * np.ones(shape[1]), atol=1e-12)


def test_above_the_limit_the_leading_axes_come_by_iteration():
    rows = rows_of(90, 70)
    found, exact = principal_axes(rows, 6, limit=50), principal_axes(rows, 6)
    assert (found.exact, exact.exact) == (False, True)
    assert same_span(found.axes, exact.axes) < 1e-3


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_the_axes_of_validators_are_those_that_a_random_start_approaches(form):
    source, target = form(rows_of(150, 120)), form(rows_of(130, 120, seed=1))
    found = leading_axes(source, target, 16)
    rows = np.concatenate([np.asarray(part @ np.eye(120)) for part in (source, target)])
    wanted = randomized_svd((rows - found.mean) / found.scale, 16, n_iter=40, random_state=0)[2].T
    assert same_span(found.axes, wanted) < 1e-6
    np.testing.assert_allclose(found.of(source), (rows[:150] - found.mean) / found.scale @ found.axes, atol=1e-9)


def test_rows_that_are_all_alike_keep_their_columns():
    alike = np.ones((50, 40))
    assert leading_axes(alike, alike).of(alike).shape == (50, 40)
