"""CORAL, subspace alignment, GFK, joint PCA, standardisation, FEDA, MMD-LS: closed forms, invariances, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg, sparse
from scipy.sparse import csr_matrix
from sklearn.utils.estimator_checks import check_estimator

from headstart.checks.domains import check_domain_method
from headstart.functional.geodesic import geodesic_flow_kernel
from headstart.functional.mmd import mmd
from headstart.functional.scale import location_scale
from headstart.functional.spectral import match_covariance, principal_axes, times_covariance_power
from headstart.functional.subspaces import principal_angles, subspace_disagreement
from headstart.shallow.features.coral import Coral, coral
from headstart.shallow.features.feda import FeatureAugmentation, augment
from headstart.shallow.features.gfk import GFK, geodesic_root
from headstart.shallow.features.joint_pca import JointPCA
from headstart.shallow.features.mmd_ls import (
    MMDLS,
    exact_discrepancy,
    fourier_discrepancy,
    location_scale_map,
    soft_bins,
)
from headstart.shallow.features.msda import MSDA
from headstart.shallow.features.standardize import DomainStandardizer
from headstart.shallow.features.subspace import SubspaceAlignment
from headstart.shallow.joining import join

rng = np.random.default_rng(0)
MIX = rng.normal(size=(6, 6))
SOURCE = rng.normal(size=(80, 6)) @ MIX + 1
TARGET = rng.normal(size=(60, 6)) @ rng.normal(size=(6, 6)) - 2
MAPS = [Coral, SubspaceAlignment, GFK, JointPCA, DomainStandardizer, FeatureAugmentation, MMDLS]


def both(transformer, source=SOURCE, target=TARGET):
    """Fit on both domains without labels; return the mapped source and target."""
    X, _, domain = join(source, np.zeros(source.shape[0], dtype=int), target)
    out = transformer.fit(X, None, sample_domain=domain).transform(X, sample_domain=domain)
    return out[: source.shape[0]], out[source.shape[0] :]


@pytest.mark.parametrize("cls", [*MAPS, MSDA])
def test_obeys_the_laws_of_regression(cls):
    check_domain_method(cls, kind="regression")


@pytest.mark.slow
@pytest.mark.parametrize("cls", [*MAPS, MSDA])
def test_scikit_learn_checks(cls):
    check_estimator(cls())


@pytest.mark.parametrize("n", [200, 4])  # covariance, and Gram matrix
def test_principal_axes_are_the_covariances(n):
    rows = rng.normal(size=(n, 5)) @ rng.normal(size=(5, 5)) + 3
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    rank = min(n - 1, 5)
    axes = principal_axes(rows)
    np.testing.assert_allclose(axes.variances, values[::-1][:rank], rtol=1e-8)
    np.testing.assert_allclose(np.abs(np.diag(axes.axes.T @ vectors[:, ::-1][:, :rank])), 1, rtol=1e-8)
    assert axes.exact


@pytest.mark.parametrize("shape", [(40, 7), (7, 40)])
def test_principal_axes_of_sparse_rows(shape):
    rows = sparse.random(*shape, density=0.4, random_state=0, format="csr")
    dense, thin = principal_axes(rows.toarray()), principal_axes(rows)
    np.testing.assert_allclose(thin.axes, dense.axes, atol=1e-8)
    np.testing.assert_allclose(thin.variances, dense.variances, atol=1e-10)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_leading_axes_by_iteration(kind):
    rows = (rng.normal(size=(300, 8)) * np.arange(8, 0, -1) ** 2) @ linalg.orth(rng.normal(size=(50, 8))).T
    rows += 0.01 * rng.normal(size=rows.shape)
    exact = principal_axes(rows, 5)
    leading = principal_axes(rows if kind == "dense" else sparse.csr_matrix(rows), 5, limit=10)
    assert not leading.exact
    np.testing.assert_allclose(leading.axes, exact.axes, atol=1e-5)
    total = np.var(rows, axis=0, ddof=1).sum()
    np.testing.assert_allclose(leading.variances.sum() + 45 * leading.rest, total, rtol=1e-8)


def test_no_axes_of_equal_rows():
    with pytest.raises(ValueError, match="two different rows"):
        principal_axes(np.ones((5, 3)), 2)


@pytest.mark.parametrize("power", [-0.5, 0.5, 1.0])
def test_covariance_powers_need_no_full_rank(power):
    rows = rng.normal(size=(5, 12))
    expected = linalg.fractional_matrix_power(np.cov(rows.T) + 0.3 * np.eye(12), power)
    got = times_covariance_power(np.eye(12), principal_axes(rows), power, 0.3)
    np.testing.assert_allclose(got, expected, atol=1e-8)


@pytest.mark.parametrize("n", [80, 5])
def test_coral_is_the_papers_matrix(n):
    source, target = SOURCE[:n], TARGET[:n]
    ridge = (np.var(source, axis=0, ddof=1).mean() + np.var(target, axis=0, ddof=1).mean()) / 2
    white = linalg.fractional_matrix_power(np.cov(source.T) + ridge * np.eye(6), -0.5)
    colour = linalg.fractional_matrix_power(np.cov(target.T) + ridge * np.eye(6), 0.5)
    expected = (source - source.mean(axis=0)) @ white @ colour + target.mean(axis=0)
    np.testing.assert_allclose(coral(source, target), expected, atol=1e-8)
    got, kept = both(Coral(), source, target)
    np.testing.assert_allclose(got, expected, atol=1e-8)
    assert np.array_equal(kept, target)


def test_coral_without_regularisation_gives_the_targets_moments():
    moved = coral(SOURCE, TARGET, regularisation=0.0)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(TARGET.T), atol=1e-8)
    np.testing.assert_allclose(moved.mean(axis=0), TARGET.mean(axis=0), atol=1e-8)


def test_coral_turns_and_scales_with_the_features():
    turn = 3 * linalg.orth(rng.normal(size=(6, 6)))
    np.testing.assert_allclose(coral(SOURCE @ turn, TARGET @ turn), coral(SOURCE, TARGET) @ turn, atol=1e-7)


@pytest.mark.parametrize("cls", [Coral, SubspaceAlignment, GFK, JointPCA, DomainStandardizer, MMDLS])
def test_identical_domains_are_mapped_alike(cls):
    first, second = both(cls(), SOURCE, SOURCE.copy())
    np.testing.assert_allclose(first, second, atol=1e-6)


@pytest.mark.parametrize("cls", [Coral, MMDLS])
def test_identical_domains_stay_as_they_are(cls):
    np.testing.assert_allclose(both(cls(), SOURCE, SOURCE.copy())[0], SOURCE, atol=1e-6)


@pytest.mark.parametrize(
    "cls", [Coral, SubspaceAlignment, GFK, JointPCA, DomainStandardizer, FeatureAugmentation, MSDA]
)
def test_sparse_rows_give_what_dense_rows_give(cls):
    X = sparse.random(60, 9, density=0.4, random_state=1, format="csr")
    domain = np.repeat([1, -1], 30)
    thin = cls().fit_transform(X, None, sample_domain=domain)
    thin = thin.toarray() if sparse.issparse(thin) else thin
    np.testing.assert_allclose(thin, cls().fit_transform(X.toarray(), None, sample_domain=domain), atol=1e-7)


def test_subspace_alignment_is_the_papers():
    first, second = both(SubspaceAlignment(n_components=3))
    p_s = np.linalg.svd(SOURCE - SOURCE.mean(axis=0))[2][:3].T
    p_t = np.linalg.svd(TARGET - TARGET.mean(axis=0))[2][:3].T
    expected = (SOURCE - SOURCE.mean(axis=0)) @ p_s @ p_s.T @ p_t
    signs = np.sign((expected * first).sum(axis=0))
    np.testing.assert_allclose(first, expected * signs, atol=1e-8)
    np.testing.assert_allclose(second, (TARGET - TARGET.mean(axis=0)) @ p_t * signs, atol=1e-8)


def test_subspace_alignment_is_the_best_linear_map_of_the_axes():
    source, target = principal_axes(SOURCE, 3), principal_axes(TARGET, 3)
    best = np.linalg.lstsq(source.axes, target.axes, rcond=None)[0]
    fitted = SubspaceAlignment(n_components=3)
    both(fitted)
    np.testing.assert_allclose(fitted.alignment_, best, atol=1e-10)


def test_gfk_root_squares_to_the_kernel():
    source, target = principal_axes(SOURCE, 4).axes, principal_axes(TARGET, 4).axes  # 2 q > d: some angles are 0
    basis, scales = geodesic_root(source, target)
    np.testing.assert_allclose((basis * scales**2) @ basis.T, geodesic_flow_kernel(source, target), atol=1e-9)


def test_gfk_products_are_the_kernels():
    first, second = both(GFK(n_components=2))
    kernel = geodesic_flow_kernel(principal_axes(SOURCE, 2).axes, principal_axes(TARGET, 2).axes)
    expected = (SOURCE - SOURCE.mean(axis=0)) @ kernel @ (TARGET - TARGET.mean(axis=0)).T
    np.testing.assert_allclose(first @ second.T, expected, atol=1e-8)


def test_gfk_chooses_a_dimension_where_subspaces_agree():
    shared = linalg.orth(rng.normal(size=(30, 2)))
    source, target = (5 * rng.normal(size=(200, 2)) @ shared.T + 0.5 * rng.normal(size=(200, 30)) for _ in range(2))
    fitted = GFK(n_components=None)
    both(fitted, source, target)
    assert fitted.n_components_ >= 2
    axes = [principal_axes(rows, 2).axes for rows in (source, target, np.concatenate([source, target]))]
    assert subspace_disagreement(*axes)[-1] < 0.2


def test_principal_angles_are_scipys():
    first, second = linalg.orth(rng.normal(size=(9, 3))), linalg.orth(rng.normal(size=(9, 4)))
    np.testing.assert_allclose(
        np.sort(principal_angles(first, second)[0]), np.sort(linalg.subspace_angles(first, second))
    )


def test_joint_pca_is_pca_of_the_pooled_rows():
    first, second = both(JointPCA(n_components=2))
    pooled = np.concatenate([SOURCE, TARGET])
    values = np.linalg.svd(pooled - pooled.mean(axis=0), compute_uv=False)[:2]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([first, second]), axis=0), values)


def test_standardizer_by_domain():
    for part in both(DomainStandardizer()):
        np.testing.assert_allclose(part.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(part.std(axis=0), 1)
    constant = np.column_stack([SOURCE, np.full(80, 5.0)])
    assert not both(DomainStandardizer(), constant, constant)[0][:, -1].any()
    assert location_scale(constant)[1][-1] == 1
    constant[:, -1] = 0.3  # a mean of squares less the square of the mean would round to 1e-8 here, not to 0
    assert location_scale(csr_matrix(constant))[1][-1] == 1


def test_standardizer_normalises_rows_first_and_keeps_sparse_rows_sparse():
    shares = np.abs(SOURCE) / np.abs(SOURCE).sum(axis=1, keepdims=True)
    got = both(DomainStandardizer(normalise="l1"), np.abs(SOURCE), np.abs(TARGET))[0]
    np.testing.assert_allclose(got, (shares - shares.mean(axis=0)) / shares.std(axis=0))
    X = sparse.random(40, 5, density=0.5, random_state=0, format="csr")
    domain = np.repeat([1, -1], 20)
    out = DomainStandardizer(centre=False).fit(X, None, sample_domain=domain).transform(X[20:])
    assert sparse.issparse(out)
    np.testing.assert_allclose(out.toarray(), X.toarray()[20:] / location_scale(X.toarray()[20:])[1])


def test_feature_augmentation():
    assert augment(np.array([[2.0, 3.0]]), True).tolist() == [[2, 3, 2, 3, 0, 0]]
    assert augment(np.array([[2.0, 3.0]]), False).tolist() == [[2, 3, 0, 0, 2, 3]]
    first, second = both(FeatureAugmentation())
    np.testing.assert_allclose(first @ first.T, 2 * SOURCE @ SOURCE.T)  # twice as near within a domain as across
    np.testing.assert_allclose(first @ second.T, SOURCE @ TARGET.T)


@pytest.mark.parametrize("make", [exact_discrepancy, lambda t, b: fourier_discrepancy(t, b, 50, 0)])
def test_discrepancies_have_the_slope_they_say(make):
    rows, target = rng.normal(size=(7, 3)), rng.normal(size=(9, 3)) + 1
    measure = make(target, 1.3)
    value, slope = measure(rows)
    for index in ((0, 0), (3, 2), (6, 1)):
        step = np.zeros_like(rows)
        step[index] = 1e-5
        np.testing.assert_allclose((measure(rows + step)[0] - measure(rows - step)[0]) / 2e-5, slope[index], rtol=1e-5)
    assert value > 0


def test_exact_discrepancy_is_mmd_and_fourier_features_come_near():
    rows, target = rng.normal(size=(40, 3)), rng.normal(size=(50, 3)) + 1
    expected = mmd(rows, target, bandwidth=1.5, unbiased=False)
    np.testing.assert_allclose(exact_discrepancy(target, 1.5)(rows)[0], expected, atol=1e-12)
    np.testing.assert_allclose(fourier_discrepancy(target, 1.5, 20000, 0)(rows)[0], expected, atol=0.02)


def test_mmd_ls_finds_a_known_stretch_and_shift():
    source = rng.normal(size=(300, 2))
    target = rng.normal(size=(300, 2)) * [1.5, 0.7] + [0.5, -0.5]
    scales, shifts = location_scale_map(source, np.ones((300, 1)), exact_discrepancy(target, 1.5), regularisation=0.0)
    np.testing.assert_allclose(np.abs(scales[0]), [1.5, 0.7], atol=0.2)
    np.testing.assert_allclose(shifts[0], [0.5, -0.5], atol=0.2)


def test_mmd_ls_moves_each_class_by_its_own_shift():
    labels = np.repeat([0, 1], 150)
    centres = np.array([[-3.0, 0.0], [3.0, 0.0]])
    source = centres[labels] + 0.5 * rng.normal(size=(300, 2))
    target = (centres + np.array([[0, 1.0], [0, -1.0]]))[labels] + 0.5 * rng.normal(size=(300, 2))
    X, y, domain = join(source, labels, target)
    moved = MMDLS().fit(X, y, sample_domain=domain).transform(source, sample_domain=domain[:300])
    for number in (0, 1):
        np.testing.assert_allclose(
            moved[labels == number].mean(axis=0), target[labels == number].mean(axis=0), atol=0.25
        )


def test_mmd_ls_of_many_rows_states_its_approximation():
    source, target = rng.normal(size=(1200, 2)), rng.normal(size=(40, 2)) + 1
    fitted = MMDLS(n_frequencies=64, n_steps=20)
    moved, _ = both(fitted, source, target)
    assert fitted.approximation_ == "64 random Fourier frequencies"
    assert mmd(moved[:300], target) < mmd(source[:300], target) / 3


def test_soft_bins_are_shares():
    shares = soft_bins(np.array([-1.0, 0.0, 0.5, 3.0]), np.array([0.0, 1.0, 2.0]))
    np.testing.assert_allclose(shares, [[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    "method",
    [
        Coral(regularisation=-1.0),
        SubspaceAlignment(n_components=0),
        GFK(n_components=0),
        JointPCA(n_components=0),
        DomainStandardizer(normalise="l3"),
    ],
)
def test_what_is_refused(method):
    with pytest.raises(ValueError, match="expected"):
        both(method)


def test_match_covariance_of_a_target_of_one_row():
    moved = match_covariance(SOURCE, principal_axes(SOURCE), principal_axes(TARGET[:1]))
    assert np.isfinite(moved).all()
    np.testing.assert_allclose(moved.mean(axis=0), TARGET[0])


@pytest.mark.parametrize("count", [None, 3])
def test_match_covariance_of_sparse_rows_is_that_of_dense_ones(count):
    axes = [principal_axes(rows, count, limit=0 if count else 2000) for rows in (SOURCE, TARGET)]
    for strength in (0.0, 1.0):
        found = match_covariance(sparse.csr_matrix(SOURCE), *axes, strength)
        assert np.allclose(found, match_covariance(SOURCE, *axes, strength), atol=1e-8)
