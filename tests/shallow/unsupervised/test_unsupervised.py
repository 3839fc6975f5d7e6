"""What is learned without labels and carried: PCA, dictionaries, clusters, and how they are measured."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, KernelPCA, sparse_encode
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import check_estimator

from headstart.checks.domains import check_domain_method
from headstart.functional.mmd import median_bandwidth, squared_distances
from headstart.functional.scale import n_different
from headstart.shallow.unsupervised.clusters import TransferredClusters, settle_centres
from headstart.shallow.unsupervised.dictionary import TransferredDictionary, sparse_codes
from headstart.shallow.unsupervised.measure import cluster_agreement, interval, measure_unsupervised, represent
from headstart.shallow.unsupervised.pca import TransferredPCA

rng = np.random.default_rng(0)
SOURCE = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4))
TARGET = rng.normal(size=(50, 4)) + 1
X, DOMAIN = np.concatenate([SOURCE, TARGET]), np.repeat([1, -1], [60, 50])


def small_dictionary():
    return TransferredDictionary(n_atoms=6, n_passes=3)


@pytest.mark.parametrize("factory", [TransferredPCA, small_dictionary, TransferredClusters])
def test_obeys_the_laws(factory):
    check_domain_method(factory, kind="classification")


@pytest.mark.slow
@pytest.mark.parametrize("factory", [TransferredPCA, small_dictionary, TransferredClusters])
def test_scikit_learn_checks(factory):
    check_estimator(factory())


def test_pca_is_the_sources():
    expected = PCA(3).fit(SOURCE)
    got = TransferredPCA(n_components=3, recentre=False).fit(X, None, sample_domain=DOMAIN).transform(TARGET)
    np.testing.assert_allclose(np.abs(got), np.abs(expected.transform(TARGET)), atol=1e-8)
    moved = TransferredPCA(n_components=3).fit(X, None, sample_domain=DOMAIN).transform(TARGET)
    np.testing.assert_allclose(moved.mean(axis=0), 0, atol=1e-10)


def test_kernel_pca_is_scikit_learns():
    width = median_bandwidth(SOURCE)
    method = TransferredPCA(n_components=3, kernel="rbf", recentre=False).fit(X, None, sample_domain=DOMAIN)
    expected = KernelPCA(3, kernel="rbf", gamma=1 / (2 * width**2)).fit(SOURCE).transform(TARGET)
    np.testing.assert_allclose(np.abs(method.transform(TARGET)), np.abs(expected), atol=1e-5)
    assert method.approximation_ == "exact"
    fewer = TransferredPCA(kernel="rbf", landmarks=20).fit(X, None, sample_domain=DOMAIN)
    assert fewer.approximation_ == "nystroem, 20 landmarks of 60 rows"


def test_whitened_axes_have_variance_one_on_the_source():
    method = TransferredPCA(n_components=3, whiten=True).fit(X, None, sample_domain=DOMAIN)
    np.testing.assert_allclose(method.transform(X, sample_domain=DOMAIN)[:60].std(axis=0, ddof=1), 1)


def test_sparse_codes_are_the_lassos():
    atoms = rng.normal(size=(12, 8))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    rows = rng.normal(size=(30, 8))
    codes = sparse_codes(rows, atoms, 0.3, tolerance=1e-9, n_steps=5000)
    expected = sparse_encode(rows, atoms, algorithm="lasso_cd", alpha=0.3, max_iter=10000)

    def objective(a):
        return 0.5 * np.square(rows - a @ atoms).sum(axis=1) + 0.3 * np.abs(a).sum(axis=1)

    np.testing.assert_allclose(objective(codes), objective(expected), rtol=1e-4)
    assert (codes == 0).mean() > 0.2
    assert not sparse_codes(rows, atoms, 100.0).any()


def test_a_dictionary_finds_the_atoms_rows_are_made_of():
    draw = np.random.default_rng(0)
    atoms = np.linalg.qr(draw.normal(size=(10, 10)))[0][:5]
    codes = draw.normal(size=(800, 5)) * (draw.random((800, 5)) < 0.3)
    rows = codes @ atoms
    method = TransferredDictionary(n_atoms=5, sparsity=0.3, n_passes=30, recentre=False)
    method.fit(np.concatenate([rows, rows[:5]]), None, sample_domain=np.repeat([1, -1], [800, 5]))
    likeness = np.abs(atoms @ method.dictionary_.T / np.linalg.norm(method.dictionary_, axis=1))
    assert likeness.max(axis=1).min() > 0.9


def blobs(shift, sizes, seed):
    draw = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
    labels = np.repeat([0, 1, 2], sizes)
    return centres[labels] + shift + draw.normal(size=(len(labels), 2)), labels


def test_clusters_keep_their_numbers_through_a_shift_and_other_shares():
    source, first = blobs(0.0, (40, 40, 40), 0)
    target, second = blobs([5.0, 3.0], (20, 60, 30), 1)
    domain = np.repeat([1, -1], [120, 110])
    method = TransferredClusters(n_clusters=3).fit(np.concatenate([source, target]), None, sample_domain=domain)
    number_of = method.labels_[[0, 40, 80]]  # of the source's blobs
    assert adjusted_rand_score(first, method.labels_[:120]) > 0.95
    assert (method.predict(target) == number_of[second]).mean() > 0.95
    np.testing.assert_allclose(method.shift_ * method.scale_, [5, 3], atol=0.5)
    np.testing.assert_array_equal(method.transform(target).argmin(axis=1), method.predict(target))
    both = method.set_params(indicators=True).fit_transform(np.concatenate([source, target]), None, domain)
    np.testing.assert_array_equal(both[:, 3:].argmax(axis=1), method.labels_)


@pytest.mark.parametrize("standardise", [True, False])
def test_sparse_rows_have_the_codes_and_the_clusters_of_dense_ones(standardise):
    counts = rng.poisson(0.4, size=(110, 12)) * np.arange(1, 13)
    counts[:3] = 0.0
    clusters = TransferredClusters(n_clusters=4, standardise=standardise, indicators=True)
    dictionary = TransferredDictionary(n_atoms=6, n_passes=3, standardise=standardise)
    for method in (clusters, dictionary):
        found = [clone(method).fit(form(counts), None, sample_domain=DOMAIN) for form in (np.array, sparse.csr_matrix)]
        mapped = [
            one.transform(form(counts), DOMAIN) for one, form in zip(found, (np.array, sparse.csr_matrix), strict=True)
        ]
        np.testing.assert_allclose(*mapped, atol=1e-6)
    assert n_different(sparse.csr_matrix(counts)) == len(np.unique(counts, axis=0))


def test_settling_never_raises_its_objective():
    rows, centres = rng.normal(size=(80, 3)), rng.normal(size=(5, 3)) + 1

    def objective(moved, shift):
        return squared_distances(rows, moved).min(axis=1).sum() + 4 * np.square(moved - centres - shift).sum()

    values = [objective(*settle_centres(rows, centres, np.zeros(3), prior=4, n_steps=steps)) for steps in range(8)]
    assert (np.diff(values) <= 1e-9).all()
    assert values[-1] < values[0]


def test_identical_domains_keep_their_centres():
    source, _ = blobs(0.0, (40, 40, 40), 0)
    method = TransferredClusters(n_clusters=3).fit(np.tile(source, (2, 1)), None, sample_domain=np.repeat([1, -1], 120))
    np.testing.assert_allclose(method.target_centres_, method.source_centres_, atol=1e-6)


@pytest.mark.parametrize(
    "method",
    [
        TransferredPCA(n_components=0),
        TransferredPCA(kernel="cubic"),
        TransferredDictionary(n_atoms=0),
        TransferredDictionary(sparsity=0.0),
        TransferredClusters(n_clusters=0),
        TransferredClusters(prior=-1.0),
    ],
)
def test_what_is_refused(method):
    with pytest.raises(ValueError, match="expected"):
        method.fit(X, None, sample_domain=DOMAIN)


def test_measure_on_digits_carried_to_other_digits():
    """Axes of the digits 0 to 4 serve a task on the digits 5 to 9; noise as a source serves none."""
    rows, labels = load_digits(return_X_y=True)
    low = labels < 5
    target, held_back = rows[~low][:300], labels[~low][:300]
    method = TransferredPCA(n_components=8)
    got = measure_unsupervised(method, rows[low], target, held_back, shots=3, seeds=6)
    noise = np.zeros((200, 64))
    noise[:, :8] = np.random.default_rng(0).normal(size=(200, 8))  # axes of the first 8 pixels, at the empty top
    worse = measure_unsupervised(method, noise, target, held_back, shots=3, seeds=6)
    assert got.accuracy["raw"] == worse.accuracy["raw"]
    assert got.accuracy["alone"] == worse.accuracy["alone"]
    assert got.accuracy["carried"].low > worse.accuracy["carried"].high
    assert worse.over_raw.high < 0
    assert got.agreement["carried"].ari > worse.agreement["carried"].ari
    difference = got.accuracy["carried"].mean - got.accuracy["raw"].mean
    np.testing.assert_allclose(got.over_raw.mean, difference)
    assert "carried over raw" in str(got)


def test_labels_never_reach_the_representation():
    carried = represent(TransferredPCA(n_components=2), SOURCE, TARGET)[0]
    direct = TransferredPCA(n_components=2).fit(X, None, sample_domain=DOMAIN).transform(TARGET)
    np.testing.assert_array_equal(carried, direct)


def test_interval_is_students():
    values = np.array([0.2, 0.5, 0.4, 0.9])
    low, high = stats.t.interval(0.9, 3, loc=values.mean(), scale=stats.sem(values))
    np.testing.assert_allclose(interval(values, 0.9), (values.mean(), low, high))


def test_agreement_of_clusters():
    rows, labels = blobs(0.0, (20, 20, 20), 0)
    assert cluster_agreement(rows, None, labels).ari > 0.95
    assert cluster_agreement(rows, np.zeros(60), labels) == (0.0, 0.0)


def test_measure_refuses_too_few_rows():
    with pytest.raises(ValueError, match="more than shots=5"):
        measure_unsupervised(TransferredPCA(), SOURCE, TARGET, np.repeat([0, 1], [46, 4]))
