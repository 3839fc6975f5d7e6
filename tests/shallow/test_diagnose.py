"""The kind of shift is named rightly where it is known."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.shallow.diagnose import diagnose, expected_shares, subspace_overlap

N = 400


def classes(rng, n, share=0.5):
    return (rng.uniform(size=n) < share).astype(int)


def blobs(rng, y, d=6):
    X = rng.normal(size=(len(y), d))
    X[:, 0] += 3.0 * y
    X[:, 1] -= 2.0 * y
    return X


def concept_free(rng, shift):
    """Rows whose class depends on the position alone: moving the rows leaves P(Y|X)."""
    X = rng.normal(size=(N, 6))
    X[:, 2] += shift
    return X, (X[:, 2] + X[:, 0] > shift / 2).astype(int)


@pytest.mark.parametrize("seed", range(3))
def test_no_shift(seed):
    rng = np.random.default_rng(seed)
    y = classes(rng, N)
    found = diagnose(blobs(rng, y), y, blobs(rng, classes(rng, N)), seed=seed)
    assert found.kind == "none"
    assert "cannot be seen" in found.notes[0]


@pytest.mark.parametrize("seed", range(3))
def test_covariate_shift_and_the_features_that_move(seed):
    rng = np.random.default_rng(seed)
    X, y = concept_free(rng, 0.0)
    found = diagnose(X, y, concept_free(rng, 1.2)[0], names=list("abcdef"), seed=seed)
    assert found.kind == "covariate"
    assert found.moved[0].feature == "c"
    assert found.moved[0].difference == pytest.approx(1.2, abs=0.3)


@pytest.mark.parametrize("seed", range(3))
def test_label_shift_and_its_shares(seed):
    rng = np.random.default_rng(seed)
    y, z = classes(rng, N, 0.5), classes(rng, N, 0.9)
    found = diagnose(blobs(rng, y), y, blobs(rng, z), seed=seed)
    assert found.kind == "label"
    assert found.shares is not None
    assert found.shares[1] == pytest.approx(z.mean(), abs=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_subspace_shift(seed):
    rng = np.random.default_rng(seed)
    first, second = np.split(np.linalg.qr(rng.normal(size=(12, 6)))[0].T, 2)
    y, latent = classes(rng, N), rng.normal(size=(N, 3))
    latent[:, 0] += 3 * y
    noise = 0.1 * rng.normal(size=(2, N, 12))
    assert diagnose(latent @ first + noise[0], y, latent @ second + noise[1], seed=seed).kind == "subspace"


@pytest.mark.parametrize("seed", range(3))
def test_concept_shift_needs_target_labels(seed):
    rng = np.random.default_rng(seed)
    y, z = classes(rng, N), classes(rng, N)
    X, Z = blobs(rng, y), blobs(rng, z)
    known = np.where(np.arange(N) < 40, 1 - z, -1)
    assert diagnose(X, y, Z, seed=seed).kind == "none"
    found = diagnose(X, y, Z, target_labels=known, seed=seed)
    assert found.kind == "concept"
    assert "of 40 known" in found.reason


def test_overlap_is_one_for_the_same_rows_and_nought_for_orthogonal_ones():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)) @ np.eye(3, 8)
    assert subspace_overlap(X, X) == pytest.approx(1.0, abs=0.1)
    assert subspace_overlap(X, X[:, ::-1]) == pytest.approx(0.0, abs=1e-12)


def test_shares_of_a_perfect_model_are_the_counts():
    posterior = np.eye(3)[[0, 0, 1, 2, 2, 2]]
    assert expected_shares(posterior, np.full(3, 1 / 3)) == pytest.approx([2 / 6, 1 / 6, 3 / 6])


def test_regression_and_tiny_tables_end_well():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 2))
    assert diagnose(X, X[:, 0], X + 3, kind="regression").kind == "covariate"
    assert diagnose(X, np.zeros(20, int), X[:6]).shares is None


def test_domains_that_do_not_overlap_leave_no_row_in_effect():
    """Weights of rows that never meet the target are equal, equally near 0: not an effective sample."""
    rng = np.random.default_rng(0)
    X, y = concept_free(rng, 0.0)
    apart = diagnose(X, y, X + np.array([12.0, 0, 0, 0, 0, 0]))
    near = diagnose(X, y, X[::-1] + np.array([0.3, 0, 0, 0, 0, 0]))
    assert apart.auc > 0.99
    assert apart.effective_share < 0.05
    assert near.effective_share > 0.6


def test_what_is_missing_is_named_where_it_tells_the_domains_apart():
    rng = np.random.default_rng(0)
    y = classes(rng, N)

    def rows(share):
        return np.column_stack([blobs(rng, y), rng.permutation(np.arange(N) < share * N).astype(float)])

    names = [*"abcdef", "chol missing"]
    found = diagnose(rows(0.03), y, rows(0.98), names=names)
    assert any("chol missing in 3% of the source rows and 98% of the target" in note for note in found.notes)
    assert "chol (more often missing in the target)" in "\n".join(found.lines())
    alike = diagnose(rows(0.3), y, rows(0.3), names=names)
    assert not any("Which values are missing" in note for note in alike.notes)
